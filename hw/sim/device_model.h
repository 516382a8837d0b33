// The Verilated device with what surrounds it on a board: a clock, an AXI4-Lite master and, for each queue, memory behind
// AXI4. Bus addresses are offsets into one span of memory. Throws when the device breaks a rule of AXI4: an offer stands until
// it is taken (A3.2.1), no burst crosses 4 KiB (A3.4.1), WLAST ends a burst.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

class Voffload_top;

// How unwilling the memory is. Percentages of clocks in which a channel is not ready or has nothing to give.
struct BusManners {
  unsigned read_latency = 0;  // clocks
  unsigned write_latency = 0;
  unsigned address_stall = 0;
  unsigned read_stall = 0;
  unsigned write_stall = 0;
  unsigned answer_stall = 0;
};

class DeviceModel {
 public:
  DeviceModel(uint8_t *memory, size_t memory_bytes);
  ~DeviceModel();
  DeviceModel(const DeviceModel &) = delete;
  DeviceModel &operator=(const DeviceModel &) = delete;

  void power_on();
  void step();
  // AXI4-Lite. Each takes a few clocks.
  void write_register(uint32_t offset, uint32_t value);
  uint32_t read_register(uint32_t offset);

  uint64_t clocks() const { return clocks_; }
  bool interrupt() const;
  unsigned queues() const;
  // No transaction is under way on any queue's port.
  bool bus_quiet() const;

  BusManners manners;
  // Called with every word that crosses the bus, before it does: a fault may change it.
  std::function<void(uint64_t address, uint8_t word[16])> on_read, on_write;

 private:
  struct Burst {
    uint64_t address;
    unsigned left;
    uint64_t due;
  };
  struct Port {
    std::deque<Burst> reads;
    std::deque<Burst> writes;
    std::deque<std::pair<uint64_t, bool>> answers;  // when due, whether refused
    bool refused = false;
    // What the device offered in the clock before and nobody took.
    std::optional<std::pair<uint64_t, unsigned>> read_offer, write_offer;
    std::optional<std::pair<std::array<uint8_t, 16>, bool>> word_offer;
    bool offering_read = false;
    bool offering_answer = false;
  };

  bool inside(uint64_t address) const;
  bool chance(unsigned percent);
  void drive(unsigned queue);
  void take(unsigned queue);
  void watch_offers(unsigned queue);

  std::unique_ptr<Voffload_top> top_;
  std::vector<Port> ports_;
  uint8_t *memory_;
  size_t memory_bytes_;
  uint64_t clocks_ = 0;
  bool watching_ = false;
  std::minstd_rand random_{1};
};
