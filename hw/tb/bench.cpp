// The whole device on the bench, through its register interface only: published vectors, random texts of every length,
// wrong tags, wrong keys, broken descriptors, reset, bus errors, back-pressure, speed.
//
//   bench VECTORS      a file of scripts/hw/vectors.ts. Ends with 0 when everything is right; the last lines are figures.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <string>

#include "driver.h"
#include "verilated.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif

namespace {

struct Vector {
  std::string set;
  bool valid;
  std::vector<uint8_t> key, nonce, associated, text, sealed, tag;
};

unsigned failures = 0;

void expect(bool right, const char *what, const Vector *vector = nullptr) {
  if (right) return;
  if (failures++ < 20)
    std::printf("WRONG %s%s%s (%zu bytes)\n", what, vector ? " in " : "", vector ? vector->set.c_str() : "",
                vector ? vector->text.size() : 0);
}

std::vector<uint8_t> take(std::istream &in, size_t count) {
  std::vector<uint8_t> bytes(count);
  in.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(count));
  if (!in) throw std::runtime_error("the file of vectors ends early");
  return bytes;
}

uint32_t take_number(std::istream &in) {
  auto bytes = take(in, 4);
  uint32_t value;
  std::memcpy(&value, bytes.data(), 4);
  return value;
}

std::vector<Vector> read_vectors(const char *path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("no file of vectors");
  std::vector<Vector> vectors(take_number(in));
  for (Vector &vector : vectors) {
    auto name = take(in, take_number(in));
    vector.set.assign(name.begin(), name.end());
    vector.valid = take_number(in) != 0;
    size_t associated = take_number(in), text = take_number(in);
    vector.key = take(in, 32);
    vector.nonce = take(in, 12);
    vector.associated = take(in, associated);
    vector.text = take(in, text);
    vector.sealed = take(in, text);
    vector.tag = take(in, 16);
  }
  return vectors;
}

constexpr uint8_t CANARY = 0xc3;

class Bench {
 public:
  explicit Bench(std::vector<Vector> vectors) : vectors_(std::move(vectors)) {
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++)
      longest_.push_back(read(OFFLOAD_REG_QUEUE_LONGEST + queue * OFFLOAD_REG_QUEUE_LONGEST_STRIDE));
  }

  void run() {
    identification();
    driver_.start();
    BusManners patient, slow, rude;
    slow.read_latency = slow.write_latency = 40;
    rude = {23, 17, 40, 45, 45, 40};
    struct { const char *name; BusManners manners; } ways[] = {{"willing bus", patient}, {"slow bus", slow}, {"rude bus", rude}};
    for (auto &way : ways) {
      driver_.model.manners = way.manners;
      size_t jobs = all_vectors();
      std::printf("ok: %zu jobs over a %s\n", jobs, way.name);
    }
    forgeries();
    keys();
    broken_descriptors();
    interrupts();
    resets();
    bus_errors();
    driver_.model.manners = {};
    throughput();
  }

 private:
  uint32_t read(uint32_t offset) { return driver_.model.read_register(offset); }

  void identification() {
    expect(read(OFFLOAD_REG_ID) == OFFLOAD_ID_VALUE, "the identification");
    expect(read(OFFLOAD_REG_ABI_VERSION) >> OFFLOAD_ABI_VERSION_MAJOR_SHIFT == OFFLOAD_ABI_MAJOR, "the version");
    expect((read(OFFLOAD_REG_CAPS) & 15) == driver_.model.queues(), "the number of queues");
    uint32_t before = read(OFFLOAD_REG_HEARTBEAT);
    for (int i = 0; i < 600; i++) driver_.model.step();
    expect(read(OFFLOAD_REG_HEARTBEAT) > before, "the heartbeat");
    expect(read(0xffc) == 0 && read(0x1fc) == 0, "an empty place in the register page");
  }

  bool fits(const Vector &vector, unsigned queue) const {
    return vector.text.size() <= longest_[queue] && vector.associated.size() <= 16;
  }

  Job job_of(const Vector &vector, unsigned queue, uint8_t operation, uint32_t handle) const {
    Job job{queue, operation, handle, vector.nonce.data(), vector.associated, vector.text, {}};
    if (operation == OFFLOAD_OPERATION_OPEN) {
      job.text = vector.sealed;
      job.tag = vector.tag;
    }
    return job;
  }

  // Judges one completion against its vector. Wrong vectors and forged ones must leave destination as it was.
  void judge(const Vector &vector, uint8_t operation, uint32_t cookie, const Completion &completion, bool forged) {
    bool seals = operation == OFFLOAD_OPERATION_SEAL;
    bool good = seals || (vector.valid && !forged);
    size_t rounded = (vector.text.size() + 15) / 16 * 16;
    const uint8_t *out = driver_.destination(cookie);
    expect(completion.cookie == cookie, "the cookie", &vector);
    expect(completion.epoch == driver_.epoch, "the epoch", &vector);
    expect(completion.status == (good ? OFFLOAD_STATUS_OK : OFFLOAD_STATUS_WRONG_TAG), "the status", &vector);
    size_t written = good ? rounded + (seals ? 16 : 0) : 0;
    if (good) {
      const auto &want = seals ? vector.sealed : vector.text;
      expect(std::memcmp(out, want.data(), want.size()) == 0, "the text", &vector);
      for (size_t i = want.size(); i < rounded; i++) expect(out[i] == 0, "the padding", &vector);
      if (seals) expect(std::memcmp(out + rounded, vector.tag.data(), 16) == 0, "the tag", &vector);
    }
    for (size_t i = written; i < written + 64; i++) expect(out[i] == CANARY, "a byte behind the result", &vector);
    if (!good)
      for (size_t i = 0; i < rounded + 16; i++) expect(out[i] == CANARY, "plaintext of a forgery", &vector);
    expect(completion.check_out == fold(out, written), "check_out", &vector);
  }

  // Every vector sealed and opened, the queues kept as full as they get, each queue with the vectors that it takes.
  size_t all_vectors() {
    size_t jobs = 0;
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++) {
      std::vector<std::pair<const Vector *, uint8_t>> list;
      for (const Vector &vector : vectors_) {
        if (!fits(vector, queue)) continue;
        // An invalid vector says nothing about what sealing its text gives.
        if (vector.valid) list.push_back({&vector, OFFLOAD_OPERATION_SEAL});
        list.push_back({&vector, OFFLOAD_OPERATION_OPEN});
      }
      run_list(queue, list, 0);
      jobs += list.size();
    }
    return jobs;
  }

  // `forge` 1: a bit of the tag, 2: of the text, 3: of the associated data or the nonce, 4: the text is cut.
  void run_list(unsigned queue, const std::vector<std::pair<const Vector *, uint8_t>> &list, unsigned forge) {
    std::vector<std::vector<uint8_t>> nonces(BenchDriver::SLOTS);
    std::vector<size_t> at(BenchDriver::SLOTS);
    std::vector<uint32_t> checks(BenchDriver::SLOTS);
    size_t submitted = 0, finished = 0;
    while (finished < list.size()) {
      bool added = false;
      // Keys change under the feet of a full ring: each slot of the ring has a key slot of its own.
      while (submitted < list.size() && submitted - finished < BenchDriver::SLOTS) {
        const auto &[vector, operation] = list[submitted];
        uint32_t handle = (generation_++ << 8) | static_cast<uint32_t>(submitted % BenchDriver::SLOTS);
        driver_.load_key(handle, vector->key.data());
        Job job = job_of(*vector, queue, operation, handle);
        if (forge != 0) spoil(job, forge, nonces[submitted % BenchDriver::SLOTS], *vector);
        uint32_t cookie = next_cookie(queue);
        std::memset(driver_.destination(cookie), CANARY, job.text.size() + 96);
        expect(driver_.submit(job) == cookie, "the cookie of a submission");
        at[cookie] = submitted++;
        added = true;
      }
      if (added) driver_.ring(queue);
      auto completion = driver_.completion(queue);
      if (!completion) {
        expect(false, "no completion came");
        return;
      }
      size_t which = at[completion->cookie % BenchDriver::SLOTS];
      judge(*list[which].first, list[which].second, completion->cookie, *completion, forge != 0);
      cookies_[queue]++;
      finished++;
    }
  }

  uint32_t next_cookie(unsigned queue) {
    if (cookies_.size() <= queue) {
      cookies_.resize(queue + 1);
      next_.resize(queue + 1);
    }
    return next_[queue]++ % BenchDriver::SLOTS;
  }

  void spoil(Job &job, unsigned forge, std::vector<uint8_t> &nonce, const Vector &vector) {
    unsigned bit = random_() % 128;
    switch (forge) {
      case 1: job.tag[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8)); break;
      case 2: job.text[random_() % job.text.size()] ^= static_cast<uint8_t>(1 << (bit % 8)); break;
      case 3:
        nonce = vector.nonce;
        nonce[bit % 12] ^= 0x10;
        job.nonce = nonce.data();
        break;
      default: job.text.resize(job.text.size() - 1 - random_() % std::min<size_t>(job.text.size(), 40));
    }
  }

  void forgeries() {
    size_t count = 0;
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++)
      for (unsigned forge = 1; forge <= 4; forge++) {
        std::vector<std::pair<const Vector *, uint8_t>> list;
        for (size_t i = 0; i < vectors_.size(); i++) {
          const Vector &vector = vectors_[i];
          bool chosen = vector.set != "every length" || i % 7 == forge;
          if (chosen && fits(vector, queue) && vector.valid && !vector.text.empty())
            list.push_back({&vector, OFFLOAD_OPERATION_OPEN});
        }
        // A cut text of a multiple of 16 less one has the same padded words: judge() expects the vector's own size.
        run_list(queue, list, forge);
        count += list.size();
      }
    std::printf("ok: %zu forgeries, not a byte of plaintext written\n", count);
  }

  uint8_t status_of(unsigned queue, const Job &job) {
    uint32_t cookie = next_cookie(queue);
    std::memset(driver_.destination(cookie), CANARY, 256);
    driver_.submit(job);
    driver_.ring(queue);
    auto completion = driver_.completion(queue);
    expect(completion.has_value(), "an answer");
    if (!completion) return 0;
    expect(completion->cookie == cookie, "the cookie");
    if (completion->status != OFFLOAD_STATUS_OK)
      for (int i = 0; i < 256; i++) expect(driver_.destination(cookie)[i] == CANARY, "a byte written by a refused job");
    return completion->status;
  }

  void keys() {
    const Vector &vector = vectors_.front();
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++) {
      uint32_t handle = (generation_++ << 8) | 7;
      driver_.load_key(handle, vector.key.data());
      expect(status_of(queue, job_of(vector, queue, OFFLOAD_OPERATION_OPEN, handle)) == OFFLOAD_STATUS_OK, "a key");
      uint32_t stale = handle - 256;
      expect(status_of(queue, job_of(vector, queue, OFFLOAD_OPERATION_OPEN, stale)) == OFFLOAD_STATUS_BAD_KEY,
             "another generation refused");
      driver_.wipe_key(handle);
      expect(status_of(queue, job_of(vector, queue, OFFLOAD_OPERATION_OPEN, handle)) == OFFLOAD_STATUS_BAD_KEY,
             "a wiped key refused");
      expect(status_of(queue, job_of(vector, queue, OFFLOAD_OPERATION_OPEN, 7)) == OFFLOAD_STATUS_BAD_KEY,
             "generation 0 of a wiped slot refused");
      driver_.load_key(handle, vector.key.data());
      for (uint32_t i = 0; i < 8; i++) expect(read(OFFLOAD_REG_KEY_WINDOW + 4 * i) == 0, "the key window reads 0");
      // The window was wiped by the command: loading again without filling it gives another key.
      driver_.model.write_register(OFFLOAD_REG_KEY_COMMAND, OFFLOAD_KEY_COMMAND_LOAD);
      while (read(OFFLOAD_REG_KEY_COMMAND) != 0) {}
      expect(status_of(queue, job_of(vector, queue, OFFLOAD_OPERATION_OPEN, handle)) == OFFLOAD_STATUS_WRONG_TAG,
             "the key window wiped by its command");
    }
    expect(read(OFFLOAD_REG_COUNT_BAD_KEYS) == 3 * driver_.model.queues(), "the count of bad keys");
    std::printf("ok: keys\n");
  }

  void broken_descriptors() {
    const Vector &vector = vectors_.front();
    unsigned refused = 0;
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++) {
      uint32_t handle = (generation_++ << 8) | 9;
      driver_.load_key(handle, vector.key.data());
      auto broken = [&](unsigned field, uint64_t value, size_t bytes) {
        uint32_t cookie = next_cookie(queue);
        uint8_t descriptor[OFFLOAD_DESCRIPTOR_BYTES] = {};
        uint64_t from = driver_.source_address(cookie), to = from + BenchDriver::SLOT_BYTES;
        uint32_t length = 64;
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_SOURCE, &from, 8);
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_DESTINATION, &to, 8);
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_LENGTH, &length, 4);
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_KEY_HANDLE, &handle, 4);
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_COOKIE, &cookie, 4);
        descriptor[OFFLOAD_DESCRIPTOR_OPERATION] = OFFLOAD_OPERATION_SEAL;
        std::memcpy(descriptor + field, &value, bytes);
        uint32_t seen = fold(descriptor, OFFLOAD_DESCRIPTOR_BYTES);
        driver_.submit_raw(queue, descriptor);
        driver_.ring(queue);
        auto completion = driver_.completion(queue);
        expect(completion && completion->status == OFFLOAD_STATUS_BAD_DESCRIPTOR, "a broken descriptor refused");
        expect(completion && completion->cookie == cookie && completion->check_in == seen, "what a refusal repeats");
        refused++;
      };
      broken(OFFLOAD_DESCRIPTOR_OPERATION, 0, 1);
      broken(OFFLOAD_DESCRIPTOR_OPERATION, 3, 1);
      broken(OFFLOAD_DESCRIPTOR_OPERATION, 0x81, 1);
      broken(OFFLOAD_DESCRIPTOR_ASSOCIATED_LENGTH, 17, 1);
      broken(OFFLOAD_DESCRIPTOR_ASSOCIATED_LENGTH, 0xff, 1);
      broken(OFFLOAD_DESCRIPTOR_LENGTH, longest_[queue] + 1, 4);
      broken(OFFLOAD_DESCRIPTOR_LENGTH, 0x10040, 4);
      broken(OFFLOAD_DESCRIPTOR_LENGTH, 0x80000040, 4);
      broken(OFFLOAD_DESCRIPTOR_SOURCE, driver_.source_address(0) + 8, 8);
      broken(OFFLOAD_DESCRIPTOR_DESTINATION, driver_.source_address(0) + 1, 8);
    }
    expect(read(OFFLOAD_REG_COUNT_BAD_DESCRIPTORS) == refused, "the count of bad descriptors");
    std::printf("ok: %u broken descriptors refused\n", refused);
  }

  void interrupts() {
    const Vector &vector = vectors_.front();
    uint32_t handle = (generation_++ << 8) | 3;
    driver_.load_key(handle, vector.key.data());
    auto pending = [&] { return read(OFFLOAD_REG_IRQ_PENDING); };
    driver_.model.write_register(OFFLOAD_REG_IRQ_PENDING, 0xff);
    expect(!driver_.model.interrupt() && pending() == 0, "an interrupt taken back");
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++) {
      status_of(queue, job_of(vector, queue, OFFLOAD_OPERATION_SEAL, handle));
      for (int i = 0; i < 50; i++) driver_.model.step();
      expect(driver_.model.interrupt() && pending() == 1u << queue, "the interrupt of a completion");
      driver_.model.write_register(OFFLOAD_REG_IRQ_MASK, ~(1u << queue));
      expect(!driver_.model.interrupt(), "a masked interrupt");
      driver_.model.write_register(OFFLOAD_REG_IRQ_MASK, 0xff);
      driver_.model.write_register(OFFLOAD_REG_IRQ_PENDING, 1u << queue);
      expect(!driver_.model.interrupt(), "an interrupt taken back");
    }
    std::printf("ok: interrupts\n");
  }

  // Resets while jobs are in every stage: nothing of them may come later, and no key may stay.
  void resets() {
    const Vector *vector = nullptr;
    for (const Vector &each : vectors_)
      if (each.valid && each.text.size() == 1420) vector = &each;
    unsigned reset_count = 0;
    for (unsigned clocks : {1u, 20u, 90u, 400u, 1300u, 2100u, 2300u, 3000u})
      for (unsigned queue = 0; queue < driver_.model.queues(); queue++) {
        uint32_t handle = (generation_++ << 8) | 5;
        driver_.load_key(handle, vector->key.data());
        for (unsigned i = 0; i < 20; i++) driver_.submit(job_of(*vector, queue, OFFLOAD_OPERATION_OPEN, handle));
        driver_.ring(queue);
        for (unsigned i = 0; i < clocks; i++) driver_.model.step();
        driver_.reset();
        expect(driver_.model.bus_quiet(), "a quiet bus after a reset");
        expect((read(OFFLOAD_REG_STATUS) & 3) == 2, "idle after a reset");
        driver_.start();
        std::fill(next_.begin(), next_.end(), 0);
        expect(!driver_.completion(queue, 6000), "no completion of before the reset");
        expect(status_of(queue, job_of(*vector, queue, OFFLOAD_OPERATION_OPEN, handle)) == OFFLOAD_STATUS_BAD_KEY,
               "no key of before the reset");
        driver_.load_key(handle, vector->key.data());
        expect(status_of(queue, job_of(*vector, queue, OFFLOAD_OPERATION_OPEN, handle)) == OFFLOAD_STATUS_OK,
               "a job after a reset");
        reset_count++;
      }
    std::printf("ok: %u resets in the middle of work\n", reset_count);
  }

  void bus_errors() {
    const Vector &vector = vectors_.front();
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++)
      for (unsigned field : {OFFLOAD_DESCRIPTOR_SOURCE, OFFLOAD_DESCRIPTOR_DESTINATION}) {
        uint32_t handle = (generation_++ << 8) | 1;
        driver_.load_key(handle, vector.key.data());
        uint8_t descriptor[OFFLOAD_DESCRIPTOR_BYTES] = {};
        uint64_t good = driver_.source_address(0), bad = uint64_t{1} << 40;
        uint32_t length = 256;
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_SOURCE, &good, 8);
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_DESTINATION, &good, 8);
        std::memcpy(descriptor + field, &bad, 8);
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_LENGTH, &length, 4);
        std::memcpy(descriptor + OFFLOAD_DESCRIPTOR_KEY_HANDLE, &handle, 4);
        descriptor[OFFLOAD_DESCRIPTOR_OPERATION] = OFFLOAD_OPERATION_SEAL;
        driver_.submit_raw(queue, descriptor);
        driver_.ring(queue);
        expect(!driver_.completion(queue, 8000), "no completion after a bus error");
        expect(read(OFFLOAD_REG_STATUS) & (1u << OFFLOAD_STATUS_BUS_ERROR_SHIFT), "the bus error in the status");
        driver_.reset();
        driver_.start();
        std::fill(next_.begin(), next_.end(), 0);
        driver_.load_key(handle, vector.key.data());
        expect(status_of(queue, job_of(vector, queue, OFFLOAD_OPERATION_OPEN, handle)) == OFFLOAD_STATUS_OK,
               "a job after a bus error and a reset");
      }
    std::printf("ok: bus errors\n");
  }

  // Clocks a datagram of 1,420 bytes with 16 of associated data, ring kept full, a doorbell each 16 descriptors, memory that answers after 30 clocks.
  void throughput() {
    const Vector *vector = nullptr;
    for (const Vector &each : vectors_)
      if (each.set == "datagram") vector = &each;
    if (vector == nullptr) throw std::runtime_error("no vector of a datagram");
    driver_.model.manners.read_latency = driver_.model.manners.write_latency = 30;
    for (unsigned queue = 0; queue < driver_.model.queues(); queue++)
      for (uint8_t operation : {OFFLOAD_OPERATION_SEAL, OFFLOAD_OPERATION_OPEN}) {
        uint32_t handle = (generation_++ << 8) | 2;
        driver_.load_key(handle, vector->key.data());
        const unsigned warm = BenchDriver::SLOTS, counted = 5 * BenchDriver::SLOTS, doorbell_each = 16;
        uint64_t from = 0;
        unsigned submitted = 0;
        for (unsigned finished = 0; finished < warm + counted; finished++) {
          if (submitted - finished <= BenchDriver::SLOTS - doorbell_each) {
            while (submitted - finished < BenchDriver::SLOTS) {
              driver_.submit(job_of(*vector, queue, operation, handle));
              submitted++;
            }
            driver_.ring(queue);
          }
          auto completion = driver_.completion(queue);
          expect(completion && completion->status == OFFLOAD_STATUS_OK, "a job of the speed test");
          if (finished + 1 == warm) from = driver_.model.clocks();
        }
        double clocks = static_cast<double>(driver_.model.clocks() - from) / counted;
        std::printf("figure queue%u_%s_clocks_per_datagram %.1f\n", queue,
                    operation == OFFLOAD_OPERATION_SEAL ? "seal" : "open", clocks);
        driver_.reset();
        driver_.start();
      }
  }

  BenchDriver driver_;
  std::vector<Vector> vectors_;
  std::vector<uint32_t> longest_;
  std::vector<uint32_t> cookies_, next_;
  std::minstd_rand random_{7};
  uint32_t generation_ = 1;
};

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  try {
    Bench bench(read_vectors(argv[1]));
    bench.run();
#if VM_COVERAGE
    // The counts lie in the model, which goes with the bench.
    Verilated::threadContextp()->coveragep()->write((std::string(argv[0]) + ".coverage").c_str());
#endif
  } catch (const std::exception &error) {
    std::printf("WRONG %s\n", error.what());
    failures++;
  }
  std::printf("%s\n", failures == 0 ? "PASS" : "FAIL");
  return failures == 0 ? 0 : 1;
}
