// The MAC alone, with chosen r and s (scripts/hw/poly-vectors.ts): BARREL picks the module.
//
//   mac_bench VECTORS
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include "verilated.h"
#ifdef BARREL
#include "Vpoly1305_barrel.h"
using Mac = Vpoly1305_barrel;
#else
#include "Vpoly1305_serial.h"
using Mac = Vpoly1305_serial;
#endif

namespace {

struct Vector {
  uint8_t r[16], s[16], tag[16];
  std::vector<uint8_t> blocks;
};

Mac mac;

void step() {
  mac.clk = 0;
  mac.eval();
  mac.clk = 1;
  mac.eval();
}

void reset() {
  mac.rst = 1;
  for (int i = 0; i < 40; i++) step();
  mac.rst = 0;
}

#ifdef BARREL
constexpr int LANES = 16;
// The clear has to have passed the loop before the first block reads the sum: a turn lies between them.
constexpr int FIRST_BLOCK_TURN = 2;

// Every lane has a vector of its own; the next one follows in the turn behind a last block, while the tag is still being made.
unsigned run(const std::vector<Vector> &vectors) {
  struct Lane {
    const Vector *vector = nullptr;
    size_t turn = 0;
  } lanes[LANES];
  const Vector *waiting[LANES] = {};
  size_t next = 0, answered = 0;
  unsigned wrong = 0;
  const uint8_t *block_before = nullptr;
  for (uint64_t clock = 0; answered < vectors.size() && clock < 4'000'000; clock++) {
    Lane &lane = lanes[clock % LANES];
    if (lane.vector == nullptr && next < vectors.size()) lane = {&vectors[next++], 0};
    const uint8_t *block = nullptr;
    mac.lane = clock % LANES;
    mac.add = mac.last = mac.take_r = mac.take_s = 0;
    if (lane.vector != nullptr) {
      size_t blocks = lane.vector->blocks.size() / 16;
      if (lane.turn < 2) {
        mac.take_r = lane.turn == 0;
        mac.take_s = lane.turn == 1;
        std::memcpy(&mac.key, mac.take_r ? lane.vector->r : lane.vector->s, 16);
      } else if (lane.turn >= FIRST_BLOCK_TURN) {
        size_t index = lane.turn - FIRST_BLOCK_TURN;
        mac.add = 1;
        mac.last = index + 1 == blocks;
        block = &lane.vector->blocks[16 * index];
        if (mac.last) {
          waiting[clock % LANES] = lane.vector;
          lane.vector = nullptr;
        }
      }
      lane.turn++;
    }
    // The block follows a clock behind its lane.
    if (block_before != nullptr) std::memcpy(&mac.block, block_before, 16);
    block_before = block;
    step();
    if (!mac.tag_valid) continue;
    const Vector *done = waiting[mac.tag_lane];
    waiting[mac.tag_lane] = nullptr;
    answered++;
    if (done == nullptr || std::memcmp(&mac.tag, done->tag, 16) != 0) wrong++;
  }
  return wrong + static_cast<unsigned>(vectors.size() - answered);
}
#else
unsigned run(const std::vector<Vector> &vectors) {
  unsigned wrong = 0;
  for (const Vector &vector : vectors) {
    mac.start = 1;
    std::memcpy(&mac.start_r, vector.r, 16);
    std::memcpy(&mac.start_s, vector.s, 16);
    step();
    mac.start = 0;
    for (size_t at = 0; at < vector.blocks.size(); at += 16) {
      std::memcpy(&mac.block, &vector.blocks[at], 16);
      mac.block_valid = 1;
      while (mac.eval(), !mac.block_ready) step();
      step();
      mac.block_valid = 0;
    }
    while (mac.eval(), !mac.block_ready) step();
    mac.finish = 1;
    step();
    mac.finish = 0;
    for (int i = 0; i < 40 && !mac.tag_valid; i++) step();
    if (!mac.tag_valid || std::memcmp(&mac.tag, vector.tag, 16) != 0) wrong++;
  }
  return wrong;
}
#endif

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  auto number = [&] {
    uint32_t value = 0;
    in.read(reinterpret_cast<char *>(&value), 4);
    return value;
  };
  std::vector<Vector> vectors(number());
  for (Vector &vector : vectors) {
    vector.blocks.resize(size_t{16} * number());
    in.read(reinterpret_cast<char *>(vector.r), 16);
    in.read(reinterpret_cast<char *>(vector.s), 16);
    in.read(reinterpret_cast<char *>(vector.blocks.data()), static_cast<std::streamsize>(vector.blocks.size()));
    in.read(reinterpret_cast<char *>(vector.tag), 16);
  }
  if (!in || vectors.empty()) return 2;
  reset();
  unsigned wrong = run(vectors);
  std::printf("%s: %zu messages, %u wrong\n", wrong == 0 ? "ok" : "WRONG", vectors.size(), wrong);
  std::printf("%s\n", wrong == 0 ? "PASS" : "FAIL");
  return wrong == 0 ? 0 : 1;
}
