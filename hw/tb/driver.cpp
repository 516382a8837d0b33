#include "driver.h"

#include <cstring>
#include <stdexcept>

namespace {
constexpr size_t RINGS_BYTES = 4 * 8192;
// Buffers start off their 1 KiB boundary, so that bursts are split in odd places.
constexpr size_t BUFFERS_AT = RINGS_BYTES + 496;
}  // namespace

uint32_t fold(const uint8_t *bytes, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; i++) value ^= static_cast<uint32_t>(bytes[i]) << (8 * (i % 4));
  return value;
}

BenchDriver::BenchDriver()
    : memory_(RINGS_BYTES + 4096 + 2 * SLOTS * SLOT_BYTES), model(memory_.data(), memory_.size()), buffers_(BUFFERS_AT) {
  rings_.resize(model.queues());
  model.power_on();
}

void BenchDriver::start() {
  while (model.read_register(OFFLOAD_REG_CONTROL) & (1u << OFFLOAD_CONTROL_RESET_SHIFT)) {}
  std::fill(memory_.begin(), memory_.begin() + RINGS_BYTES, 0);
  model.write_register(OFFLOAD_REG_EPOCH, ++epoch);
  for (unsigned queue = 0; queue < rings_.size(); queue++) {
    uint32_t at = queue * OFFLOAD_REG_QUEUE_TAIL_STRIDE;
    rings_[queue] = Ring{};
    model.write_register(OFFLOAD_REG_QUEUE_SUBMIT_LOW + at, queue * 8192);
    model.write_register(OFFLOAD_REG_QUEUE_SUBMIT_HIGH + at, 0);
    model.write_register(OFFLOAD_REG_QUEUE_COMPLETE_LOW + at, queue * 8192 + 4096);
    model.write_register(OFFLOAD_REG_QUEUE_COMPLETE_HIGH + at, 0);
    model.write_register(OFFLOAD_REG_QUEUE_RING_LOG2 + at, RING_LOG2);
  }
  model.write_register(OFFLOAD_REG_IRQ_MASK, 0xff);
  model.write_register(OFFLOAD_REG_CONTROL, 1u << OFFLOAD_CONTROL_RUN_SHIFT);
}

void BenchDriver::reset() {
  model.write_register(OFFLOAD_REG_CONTROL, 1u << OFFLOAD_CONTROL_RESET_SHIFT);
  while (model.read_register(OFFLOAD_REG_CONTROL) & (1u << OFFLOAD_CONTROL_RESET_SHIFT)) {}
}

void BenchDriver::load_key(uint32_t handle, const uint8_t key[32]) {
  for (unsigned i = 0; i < 8; i++) {
    uint32_t word;
    std::memcpy(&word, key + 4 * i, 4);
    model.write_register(OFFLOAD_REG_KEY_WINDOW + 4 * i, word);
  }
  model.write_register(OFFLOAD_REG_KEY_HANDLE, handle);
  model.write_register(OFFLOAD_REG_KEY_COMMAND, OFFLOAD_KEY_COMMAND_LOAD);
  while (model.read_register(OFFLOAD_REG_KEY_COMMAND) != 0) {}
}

void BenchDriver::wipe_key(uint32_t handle) {
  model.write_register(OFFLOAD_REG_KEY_HANDLE, handle);
  model.write_register(OFFLOAD_REG_KEY_COMMAND, OFFLOAD_KEY_COMMAND_WIPE);
  while (model.read_register(OFFLOAD_REG_KEY_COMMAND) != 0) {}
}

uint32_t BenchDriver::submit(const Job &job) {
  uint32_t cookie = rings_[job.queue].tail % SLOTS;
  uint8_t descriptor[OFFLOAD_DESCRIPTOR_BYTES] = {};
  uint64_t from = source_address(cookie), to = from + SLOT_BYTES;
  uint32_t length = static_cast<uint32_t>(job.text.size());
  std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_SOURCE, &from, 8);
  std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_DESTINATION, &to, 8);
  std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_LENGTH, &length, 4);
  std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_KEY_HANDLE, &job.handle, 4);
  std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_NONCE, job.nonce, 12);
  descriptor[OFFLOAD_DESCRIPTOR_OPERATION] = job.operation;
  descriptor[OFFLOAD_DESCRIPTOR_ASSOCIATED_LENGTH] = static_cast<uint8_t>(job.associated.size());
  std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_COOKIE, &cookie, 4);
  // What stands behind the associated data and the text is not zero: the device has to leave it out.
  std::memset(descriptor + OFFLOAD_DESCRIPTOR_ASSOCIATED, 0xa5, 16);
  std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_ASSOCIATED, job.associated.data(), job.associated.size());
  size_t rounded = (job.text.size() + 15) / 16 * 16;
  std::memset(source(cookie), 0x5a, rounded + 16);
  std::memcpy(source(cookie), job.text.data(), job.text.size());
  if (!job.tag.empty()) std::memcpy(source(cookie) + rounded, job.tag.data(), 16);
  submit_raw(job.queue, descriptor);
  return cookie;
}

void BenchDriver::submit_raw(unsigned queue, const uint8_t descriptor[OFFLOAD_DESCRIPTOR_BYTES]) {
  Ring &ring = rings_[queue];
  if (static_cast<uint16_t>(ring.tail - ring.done) >= SLOTS) throw std::runtime_error("the bench overfills a ring");
  std::memcpy(submission(queue, ring.tail % SLOTS), descriptor, OFFLOAD_DESCRIPTOR_BYTES);
  ring.tail++;
}

void BenchDriver::ring(unsigned queue) {
  model.write_register(OFFLOAD_REG_QUEUE_TAIL + queue * OFFLOAD_REG_QUEUE_TAIL_STRIDE, rings_[queue].tail);
}

std::optional<Completion> BenchDriver::completion(unsigned queue, uint64_t clocks) {
  Ring &ring = rings_[queue];
  const uint8_t *entry = completions(queue) + (ring.done % SLOTS) * OFFLOAD_COMPLETION_BYTES;
  uint8_t phase = (ring.done >> RING_LOG2) % 2 == 0;
  for (uint64_t i = 0; i < clocks; i++) {
    if (entry[OFFLOAD_COMPLETION_PHASE] == phase && entry[OFFLOAD_COMPLETION_STATUS] != 0) {
      Completion completion;
      std::memcpy(&completion, entry, sizeof completion);
      ring.done++;
      return completion;
    }
    model.step();
  }
  return std::nullopt;
}
