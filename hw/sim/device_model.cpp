#include "device_model.h"

#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "Voffload_top.h"
#include "verilated.h"

namespace {

constexpr unsigned READS_AT_ONCE = 8;
constexpr unsigned WRITES_AT_ONCE = 4;
constexpr unsigned REGISTER_CLOCKS = 64;

// Verilator gives a port of up to 64 bits as an integer and a wider one as an array of 32-bit words.
template <typename Port>
uint64_t get_bits(const Port &port, unsigned low, unsigned bits) {
  if constexpr (std::is_integral_v<Port>) {
    return (uint64_t{port} >> low) & (bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1);
  } else {
    uint64_t value = port[low / 32];
    if (low % 32 + bits > 32) value |= uint64_t{port[low / 32 + 1]} << 32;
    return (value >> (low % 32)) & (bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1);
  }
}

template <typename Port>
void set_bits(Port &port, unsigned low, unsigned bits, uint64_t value) {
  if constexpr (std::is_integral_v<Port>) {
    uint64_t mask = (bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1) << low;
    port = static_cast<Port>((uint64_t{port} & ~mask) | ((value << low) & mask));
  } else {
    for (unsigned i = 0; i < bits; i++) {
      uint32_t bit = uint32_t{1} << ((low + i) % 32);
      if ((value >> i) & 1) port[(low + i) / 32] |= bit;
      else port[(low + i) / 32] &= ~bit;
    }
  }
}

template <typename Port>
void set_word(Port &port, unsigned queue, const uint8_t word[16]) {
  uint32_t parts[4];
  std::memcpy(parts, word, 16);
  for (unsigned i = 0; i < 4; i++) port[queue * 4 + i] = parts[i];
}

template <typename Port>
void get_word(const Port &port, unsigned queue, uint8_t word[16]) {
  uint32_t parts[4];
  for (unsigned i = 0; i < 4; i++) parts[i] = port[queue * 4 + i];
  std::memcpy(word, parts, 16);
}

template <typename Offer>
void must_stand(const std::optional<Offer> &before, const std::optional<Offer> &now, const char *what) {
  if (before && now != before) throw std::runtime_error(std::string(what) + " was taken back or changed before it was taken");
}

}  // namespace

DeviceModel::DeviceModel(uint8_t *memory, size_t memory_bytes)
    : top_(new Voffload_top), ports_(OFFLOAD_QUEUES), memory_(memory), memory_bytes_(memory_bytes) {}
DeviceModel::~DeviceModel() = default;

unsigned DeviceModel::queues() const { return OFFLOAD_QUEUES; }
bool DeviceModel::interrupt() const { return top_->irq != 0; }
bool DeviceModel::inside(uint64_t address) const { return address <= memory_bytes_ - 16 && address % 16 == 0; }
bool DeviceModel::chance(unsigned percent) { return percent != 0 && random_() % 100 < percent; }

bool DeviceModel::bus_quiet() const {
  for (const Port &port : ports_)
    if (!port.reads.empty() || !port.writes.empty() || !port.answers.empty()) return false;
  return true;
}

void DeviceModel::power_on() {
  for (Port &port : ports_) port = Port{};
  // In reset, and before the first clocks, registers hold anything.
  watching_ = false;
  top_->rst = 1;
  for (int i = 0; i < 4; i++) step();
  top_->rst = 0;
  watching_ = true;
}

// What the memory offers a queue in this clock. An offer stands until it is taken.
void DeviceModel::drive(unsigned queue) {
  Port &port = ports_[queue];
  set_bits(top_->m_arready, queue, 1, port.reads.size() < READS_AT_ONCE && !chance(manners.address_stall));
  set_bits(top_->m_awready, queue, 1, port.writes.size() < WRITES_AT_ONCE && !chance(manners.address_stall));
  set_bits(top_->m_wready, queue, 1, !port.writes.empty() && !chance(manners.write_stall));
  if (!port.offering_read && !port.reads.empty() && port.reads.front().due <= clocks_ && !chance(manners.read_stall)) {
    const Burst &burst = port.reads.front();
    uint8_t word[16] = {};
    if (inside(burst.address)) std::memcpy(word, memory_ + burst.address, 16);
    if (on_read) on_read(burst.address, word);
    set_word(top_->m_rdata, queue, word);
    set_bits(top_->m_rresp, queue * 2, 2, inside(burst.address) ? 0 : 2);
    set_bits(top_->m_rlast, queue, 1, burst.left == 1);
    port.offering_read = true;
  }
  set_bits(top_->m_rvalid, queue, 1, port.offering_read);
  if (!port.offering_answer && !port.answers.empty() && port.answers.front().first <= clocks_ &&
      !chance(manners.answer_stall)) {
    set_bits(top_->m_bresp, queue * 2, 2, port.answers.front().second ? 2 : 0);
    port.offering_answer = true;
  }
  set_bits(top_->m_bvalid, queue, 1, port.offering_answer);
}

void DeviceModel::watch_offers(unsigned queue) {
  Port &port = ports_[queue];
  decltype(port.read_offer) read, write;
  decltype(port.word_offer) word;
  if (get_bits(top_->m_arvalid, queue, 1))
    read = {get_bits(top_->m_araddr, queue * 64, 64), static_cast<unsigned>(get_bits(top_->m_arlen, queue * 8, 8))};
  if (get_bits(top_->m_awvalid, queue, 1))
    write = {get_bits(top_->m_awaddr, queue * 64, 64), static_cast<unsigned>(get_bits(top_->m_awlen, queue * 8, 8))};
  if (get_bits(top_->m_wvalid, queue, 1)) {
    word.emplace();
    get_word(top_->m_wdata, queue, word->first.data());
    word->second = get_bits(top_->m_wlast, queue, 1) != 0;
  }
  must_stand(port.read_offer, read, "a read address");
  must_stand(port.write_offer, write, "a write address");
  must_stand(port.word_offer, word, "a word");
  port.read_offer = get_bits(top_->m_arready, queue, 1) ? std::nullopt : read;
  port.write_offer = get_bits(top_->m_awready, queue, 1) ? std::nullopt : write;
  port.word_offer = get_bits(top_->m_wready, queue, 1) ? std::nullopt : word;
}

// What was handed over in this clock.
void DeviceModel::take(unsigned queue) {
  Port &port = ports_[queue];
  if (get_bits(top_->m_arvalid, queue, 1) && get_bits(top_->m_arready, queue, 1)) {
    unsigned beats = static_cast<unsigned>(get_bits(top_->m_arlen, queue * 8, 8)) + 1;
    uint64_t address = get_bits(top_->m_araddr, queue * 64, 64);
    if (address % 4096 + beats * 16 > 4096) throw std::runtime_error("a read burst crosses 4 KiB");
    port.reads.push_back({address, beats, clocks_ + 1 + manners.read_latency});
  }
  if (port.offering_read && get_bits(top_->m_rready, queue, 1)) {
    port.offering_read = false;
    Burst &burst = port.reads.front();
    burst.address += 16;
    if (--burst.left == 0) port.reads.pop_front();
  }
  if (get_bits(top_->m_wvalid, queue, 1) && get_bits(top_->m_wready, queue, 1)) {
    Burst &burst = port.writes.front();
    uint8_t word[16];
    get_word(top_->m_wdata, queue, word);
    if (on_write) on_write(burst.address, word);
    if (inside(burst.address)) std::memcpy(memory_ + burst.address, word, 16);
    else port.refused = true;
    bool last = get_bits(top_->m_wlast, queue, 1) != 0;
    burst.address += 16;
    if (last != (--burst.left == 0)) throw std::runtime_error("wlast is not at the end of its burst");
    if (last) {
      port.writes.pop_front();
      port.answers.push_back({clocks_ + 1 + manners.write_latency, port.refused});
      port.refused = false;
    }
  }
  if (get_bits(top_->m_awvalid, queue, 1) && get_bits(top_->m_awready, queue, 1)) {
    unsigned beats = static_cast<unsigned>(get_bits(top_->m_awlen, queue * 8, 8)) + 1;
    uint64_t address = get_bits(top_->m_awaddr, queue * 64, 64);
    if (address % 4096 + beats * 16 > 4096) throw std::runtime_error("a write burst crosses 4 KiB");
    port.writes.push_back({address, beats, 0});
  }
  if (port.offering_answer && get_bits(top_->m_bready, queue, 1)) {
    port.offering_answer = false;
    port.answers.pop_front();
  }
}

void DeviceModel::step() {
  for (unsigned queue = 0; queue < ports_.size(); queue++) drive(queue);
  top_->clk = 0;
  top_->eval();
  for (unsigned queue = 0; queue < ports_.size(); queue++) {
    if (watching_) watch_offers(queue);
    take(queue);
  }
  top_->clk = 1;
  top_->eval();
  clocks_++;
}

void DeviceModel::write_register(uint32_t offset, uint32_t value) {
  top_->s_awvalid = top_->s_wvalid = 1;
  top_->s_awaddr = static_cast<uint16_t>(offset);
  top_->s_wdata = value;
  top_->s_bready = 1;
  bool taken = false;
  for (unsigned i = 0; i < REGISTER_CLOCKS; i++) {
    top_->clk = 0;
    top_->eval();
    bool ready = top_->s_awready;
    bool answered = top_->s_bvalid;
    step();
    if (taken && answered) return;
    if (ready) {
      taken = true;
      top_->s_awvalid = top_->s_wvalid = 0;
    }
  }
  throw std::runtime_error("a register write got no answer");
}

uint32_t DeviceModel::read_register(uint32_t offset) {
  top_->s_arvalid = 1;
  top_->s_araddr = static_cast<uint16_t>(offset);
  top_->s_rready = 1;
  for (unsigned i = 0; i < REGISTER_CLOCKS; i++) {
    top_->clk = 0;
    top_->eval();
    bool ready = top_->s_arready;
    bool answered = top_->s_rvalid;
    uint32_t value = top_->s_rdata;
    step();
    if (answered) return value;
    if (ready) top_->s_arvalid = 0;
  }
  throw std::runtime_error("a register read got no answer");
}
