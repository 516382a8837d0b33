// The least driver: rings and buffers in the model's memory, for the benches.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "../../src/native/core/offload_abi.h"
#include "../sim/device_model.h"

struct Completion {
  uint32_t cookie, check_in, check_out;
  uint8_t status, phase;
  uint16_t epoch;
};

struct Job {
  unsigned queue = 0;
  uint8_t operation = OFFLOAD_OPERATION_SEAL;
  uint32_t handle = 0;
  const uint8_t *nonce = nullptr;
  std::vector<uint8_t> associated, text, tag;  // tag: of an opening job
};

class BenchDriver {
 public:
  // More descriptors than the fast engine has buffers: it fills up, and then takes no more.
  static constexpr unsigned RING_LOG2 = 6;
  static constexpr unsigned SLOTS = 1u << RING_LOG2;
  static constexpr size_t LONGEST = 65536;
  static constexpr size_t SLOT_BYTES = LONGEST + 4096;

  BenchDriver();
  // Rings, epoch and run, after a reset.
  void start();
  void reset();
  void load_key(uint32_t handle, const uint8_t key[32]);
  void wipe_key(uint32_t handle);
  // Puts a job into its queue's ring; the cookie names its buffers. The doorbell is rung with `ring`.
  uint32_t submit(const Job &job);
  void submit_raw(unsigned queue, const uint8_t descriptor[OFFLOAD_DESCRIPTOR_BYTES]);
  void ring(unsigned queue);
  // The next completion of a queue; steps the model until there is one, no longer than `clocks`.
  std::optional<Completion> completion(unsigned queue, uint64_t clocks = 2'000'000);
  uint8_t *source(uint32_t cookie) { return &memory_[buffers_ + 2 * cookie * SLOT_BYTES]; }
  uint8_t *destination(uint32_t cookie) { return source(cookie) + SLOT_BYTES; }
  uint64_t source_address(uint32_t cookie) { return buffers_ + 2 * cookie * SLOT_BYTES; }

  std::vector<uint8_t> memory_;
  DeviceModel model;
  uint16_t epoch = 0;

 private:
  struct Ring {
    uint16_t tail = 0, done = 0;
  };
  uint8_t *submission(unsigned queue, unsigned index) { return &memory_[queue * 8192 + index * 64]; }
  uint8_t *completions(unsigned queue) { return &memory_[queue * 8192 + 4096]; }

  size_t buffers_;
  std::vector<Ring> rings_;
};

uint32_t fold(const uint8_t *bytes, size_t count);
