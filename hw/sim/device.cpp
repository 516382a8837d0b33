// The simulated device as a process: the Verilated device behind the same register page, rings and memory that a board has,
// in shared memory. What a driver does differently from a board is opening it: it connects to a unix socket and gets
//
//   one message: "SKYO", version u32, bytes of the register page u32, bytes of memory u32; with it three descriptors:
//   shared memory (register page, then memory; bus address 0 is the memory's first byte), doorbell, interrupt (eventfds)
//
// A store to the register page is no bus transaction here, so the process looks for changes: it writes what changed to the
// device and puts back what reads differently. Writing the doorbell descriptor wakes it up; without work it only lets the
// clock run a little now and then, for the heartbeat. One driver at a time; when it leaves, the device is reset.
//
//   device SOCKET      SOCKET.fault takes a line a connection that breaks it on purpose; answers "ok" or "what?":
//
//   stall MS           the clock stands for MS milliseconds
//   corrupt-in [N]     a bit of each of the next N words of texts and tags is flipped on the way to the device
//   corrupt-descriptor [N]   a bit of each of the next N words of descriptors, likewise
//   corrupt-out [N]    a bit of each of the next N words of results is flipped on the way to memory
//   wrong-key [N]      a bit of each of the next N keys is flipped on the way in
//   duplicate [N]      each of the next N completions is written twice
//   patience MS        the register page asks for so much patience
//   version MAJOR      the register page shows another major version
//   reset              the device loses everything, as at power-on
//   heal               none of the above any more
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../src/native/core/offload_abi.h"
#include "device_model.h"

namespace {

constexpr uint32_t GREETING_VERSION = 1;
constexpr size_t MEMORY_BYTES = 32u << 20;
constexpr size_t PAGE_BYTES = OFFLOAD_REGISTER_PAGE_BYTES;
// Clocks between two looks at the register page while there is work.
constexpr unsigned CLOCKS_AT_ONCE = 48;
constexpr int IDLE_MS = 20;
constexpr unsigned IDLE_CLOCKS = 512;

using Clock = std::chrono::steady_clock;

volatile sig_atomic_t ending = 0;

struct Faults {
  Clock::time_point stalled_until{};
  unsigned corrupt_in = 0, corrupt_descriptor = 0, corrupt_out = 0, wrong_key = 0, duplicate = 0;
  unsigned major = OFFLOAD_ABI_MAJOR;
  unsigned patience_ms = 0;  // 0: as built
};

int check(int result, const char *what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  return result;
}

int listen_at(const std::string &path) {
  int fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("the socket's path is too long");
  std::strcpy(address.sun_path, path.c_str());
  unlink(path.c_str());
  check(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), path.c_str());
  check(listen(fd, 4), "listen");
  return fd;
}

class Device {
 public:
  explicit Device(const std::string &path)
      : driver_listener_(listen_at(path)), fault_listener_(listen_at(path + ".fault")) {
    shared_ = check(memfd_create("skywire-offload", MFD_CLOEXEC), "memfd_create");
    check(ftruncate(shared_, PAGE_BYTES + MEMORY_BYTES), "ftruncate");
    void *base = mmap(nullptr, PAGE_BYTES + MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, shared_, 0);
    if (base == MAP_FAILED) throw std::runtime_error("mmap");
    page_ = static_cast<std::atomic<uint32_t> *>(base);
    memory_ = static_cast<uint8_t *>(base) + PAGE_BYTES;
    doorbell_ = check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    interrupt_ = check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    model_ = std::make_unique<DeviceModel>(memory_, MEMORY_BYTES);
    model_->manners.read_latency = model_->manners.write_latency = 8;
    model_->on_read = [this](uint64_t address, uint8_t *word) {
      bool descriptor = in_ring(address, OFFLOAD_REG_QUEUE_SUBMIT_LOW, OFFLOAD_DESCRIPTOR_BYTES) >= 0;
      spoil(descriptor ? faults_.corrupt_descriptor : faults_.corrupt_in, word);
    };
    model_->on_write = [this](uint64_t address, uint8_t *word) { written(address, word); };
    power_on();
  }

  void run() {
    while (ending == 0) {
      bool stalled = Clock::now() < faults_.stalled_until;
      if (!stalled) {
        follow_registers();
        if (busy()) {
          for (unsigned i = 0; i < CLOCKS_AT_ONCE; i++) model_->step();
          if (++rounds_ % 16 != 0) continue;
          show_registers();
          wait(0);
          continue;
        }
        show_registers();
        for (unsigned i = 0; i < IDLE_CLOCKS; i++) model_->step();
        show_registers();
      }
      // The driver may have rung after the last look and before this sleep: the doorbell's count keeps that.
      wait(stalled ? 5 : IDLE_MS);
    }
  }

 private:
  static uint32_t index(uint32_t offset) { return offset / 4; }

  void power_on() {
    model_->power_on();
    while (model_->read_register(OFFLOAD_REG_CONTROL) & (1u << OFFLOAD_CONTROL_RESET_SHIFT)) {}
    for (uint32_t offset = 0; offset < PAGE_BYTES; offset += 4) {
      uint32_t value = offset < 0x100 + 64 * model_->queues() ? model_->read_register(offset) : 0;
      page_[index(offset)].store(value);
      seen_[index(offset)] = value;
    }
    show_constants();
  }

  void show_constants() {
    uint32_t patience_us = faults_.patience_ms != 0 ? faults_.patience_ms * 1000 : model_->read_register(OFFLOAD_REG_PATIENCE_US);
    page_[index(OFFLOAD_REG_PATIENCE_US)].store(patience_us);
    page_[index(OFFLOAD_REG_ABI_VERSION)].store(faults_.major << OFFLOAD_ABI_VERSION_MAJOR_SHIFT | OFFLOAD_ABI_MINOR);
  }

  // The queue in whose ring the address lies, or -1.
  int in_ring(uint64_t address, uint32_t base_register, uint64_t entry_bytes) const {
    for (unsigned queue = 0; queue < model_->queues(); queue++) {
      uint64_t base = seen_[index(base_register + 64 * queue)];
      uint64_t bytes = entry_bytes << seen_[index(OFFLOAD_REG_QUEUE_RING_LOG2 + 64 * queue)];
      if (address >= base && address < base + bytes) return static_cast<int>(queue);
    }
    return -1;
  }

  static void spoil(unsigned &count, uint8_t word[16]) {
    if (count == 0) return;
    count--;
    word[5] ^= 0x20;
  }

  void written(uint64_t address, uint8_t word[16]) {
    int queue = in_ring(address, OFFLOAD_REG_QUEUE_COMPLETE_LOW, OFFLOAD_COMPLETION_BYTES);
    if (queue < 0) {
      spoil(faults_.corrupt_out, word);
      return;
    }
    if (faults_.duplicate == 0) return;
    faults_.duplicate--;
    uint64_t base = seen_[index(OFFLOAD_REG_QUEUE_COMPLETE_LOW + 64 * queue)];
    uint64_t entries = uint64_t{1} << seen_[index(OFFLOAD_REG_QUEUE_RING_LOG2 + 64 * queue)];
    uint64_t next = (address - base) / OFFLOAD_COMPLETION_BYTES + 1;
    uint8_t again[16];
    std::memcpy(again, word, 16);
    if (next == entries) again[OFFLOAD_COMPLETION_PHASE] ^= 1;
    std::memcpy(memory_ + base + (next % entries) * OFFLOAD_COMPLETION_BYTES, again, 16);
  }

  // What the driver stored since the last look goes to the device. Commands are carried out whole before they read 0.
  void follow_registers() {
    static constexpr uint32_t PLAIN[] = {OFFLOAD_REG_EPOCH, OFFLOAD_REG_IRQ_MASK, OFFLOAD_REG_IRQ_COALESCE};
    static constexpr uint32_t QUEUE[] = {OFFLOAD_REG_QUEUE_SUBMIT_LOW,   OFFLOAD_REG_QUEUE_SUBMIT_HIGH,
                                         OFFLOAD_REG_QUEUE_COMPLETE_LOW, OFFLOAD_REG_QUEUE_COMPLETE_HIGH,
                                         OFFLOAD_REG_QUEUE_RING_LOG2,    OFFLOAD_REG_QUEUE_TAIL};
    uint32_t control = page_[index(OFFLOAD_REG_CONTROL)].load(std::memory_order_acquire);
    for (uint32_t offset : PLAIN) follow(offset);
    for (unsigned queue = 0; queue < model_->queues(); queue++)
      for (uint32_t offset : QUEUE) follow(offset + 64 * queue);
    if (control != seen_[index(OFFLOAD_REG_CONTROL)]) {
      seen_[index(OFFLOAD_REG_CONTROL)] = control;
      model_->write_register(OFFLOAD_REG_CONTROL, control);
      if (control & (1u << OFFLOAD_CONTROL_RESET_SHIFT)) finish_reset(control);
    }
    uint32_t command = page_[index(OFFLOAD_REG_KEY_COMMAND)].load(std::memory_order_acquire);
    if (command != 0) carry_out(command);
  }

  void follow(uint32_t offset) {
    uint32_t value = page_[index(offset)].load(std::memory_order_acquire);
    if (value == seen_[index(offset)]) return;
    seen_[index(offset)] = value;
    model_->write_register(offset, value);
  }

  // The device forgets the doorbells with the reset.
  void finish_reset(uint32_t control) {
    while (model_->read_register(OFFLOAD_REG_CONTROL) & (1u << OFFLOAD_CONTROL_RESET_SHIFT)) {}
    for (unsigned queue = 0; queue < model_->queues(); queue++) {
      page_[index(OFFLOAD_REG_QUEUE_TAIL + 64 * queue)].store(0);
      seen_[index(OFFLOAD_REG_QUEUE_TAIL + 64 * queue)] = 0;
    }
    show_registers();
    seen_[index(OFFLOAD_REG_CONTROL)] = 0;
    page_[index(OFFLOAD_REG_CONTROL)].compare_exchange_strong(control, 0);
  }

  void carry_out(uint32_t command) {
    bool wrong = command == OFFLOAD_KEY_COMMAND_LOAD && faults_.wrong_key > 0;
    if (wrong) faults_.wrong_key--;
    for (uint32_t i = 0; i < 8; i++) {
      uint32_t word = page_[index(OFFLOAD_REG_KEY_WINDOW) + i].exchange(0);
      model_->write_register(OFFLOAD_REG_KEY_WINDOW + 4 * i, word ^ (wrong && i == 3 ? 0x400u : 0u));
    }
    model_->write_register(OFFLOAD_REG_KEY_HANDLE, page_[index(OFFLOAD_REG_KEY_HANDLE)].load());
    model_->write_register(OFFLOAD_REG_KEY_COMMAND, command);
    while (model_->read_register(OFFLOAD_REG_KEY_COMMAND) != 0) {}
    page_[index(OFFLOAD_REG_KEY_COMMAND)].store(0, std::memory_order_release);
  }

  // What only the device changes.
  void show_registers() {
    static constexpr uint32_t COUNTS[] = {OFFLOAD_REG_STATUS,          OFFLOAD_REG_HEARTBEAT,
                                          OFFLOAD_REG_COUNT_JOBS,      OFFLOAD_REG_COUNT_WRONG_TAGS,
                                          OFFLOAD_REG_COUNT_BAD_KEYS,  OFFLOAD_REG_COUNT_BAD_DESCRIPTORS};
    for (uint32_t offset : COUNTS) page_[index(offset)].store(model_->read_register(offset));
    if (model_->interrupt()) {
      model_->write_register(OFFLOAD_REG_IRQ_PENDING, 0xff);
      uint64_t one = 1;
      if (write(interrupt_, &one, sizeof one) < 0) return;  // full: the driver was told often enough
    }
  }

  // Descriptors that were submitted have no completion yet. Also says so to a driver that waits.
  bool busy() {
    if (model_->interrupt()) show_registers();
    if ((model_->read_register(OFFLOAD_REG_CONTROL) & (1u << OFFLOAD_CONTROL_RUN_SHIFT)) == 0) return false;
    for (unsigned queue = 0; queue < model_->queues(); queue++) {
      uint32_t tail = seen_[index(OFFLOAD_REG_QUEUE_TAIL + 64 * queue)] & 0xffff;
      if (model_->read_register(OFFLOAD_REG_QUEUE_DONE + 64 * queue) != tail) return true;
    }
    return false;
  }

  void wait(int timeout_ms) {
    pollfd fds[4] = {{doorbell_, POLLIN, 0}, {driver_listener_, POLLIN, 0}, {fault_listener_, POLLIN, 0}, {driver_, POLLIN, 0}};
    if (poll(fds, driver_ < 0 ? 3 : 4, timeout_ms) <= 0) return;
    uint64_t count;
    if (fds[0].revents && read(doorbell_, &count, sizeof count) < 0 && errno != EAGAIN) throw std::runtime_error("doorbell");
    // A driver says nothing on its socket: readable means that it is gone.
    if (driver_ >= 0 && fds[3].revents) {
      close(driver_);
      driver_ = -1;
      power_on();
    }
    if (fds[1].revents && driver_ < 0) greet();
    if (fds[2].revents) take_faults();
  }

  void greet() {
    int fd = accept4(driver_listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    struct {
      char name[4];
      uint32_t version, page_bytes, memory_bytes;
    } greeting = {{'S', 'K', 'Y', 'O'}, GREETING_VERSION, PAGE_BYTES, MEMORY_BYTES};
    int fds[3] = {shared_, doorbell_, interrupt_};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
    iovec part = {&greeting, sizeof greeting};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fds);
    std::memcpy(CMSG_DATA(header), fds, sizeof fds);
    if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) close(fd);
    else driver_ = fd;
  }

  // A line a connection: the device does not wait for whoever breaks it.
  void take_faults() {
    int fd = accept4(fault_listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    std::string line;
    char c;
    while (read(fd, &c, 1) == 1 && c != '\n') line += c;
    const char *answer = take_fault(line) ? "ok\n" : "what?\n";
    if (send(fd, answer, std::strlen(answer), MSG_NOSIGNAL) < 0) std::perror("fault switch");
    close(fd);
  }

  bool take_fault(const std::string &line) {
    size_t space = line.find(' ');
    std::string name = line.substr(0, space);
    unsigned count = space == std::string::npos ? 1 : static_cast<unsigned>(std::atoi(line.c_str() + space));
    if (name == "stall") faults_.stalled_until = Clock::now() + std::chrono::milliseconds(count);
    else if (name == "corrupt-in") faults_.corrupt_in = count;
    else if (name == "corrupt-descriptor") faults_.corrupt_descriptor = count;
    else if (name == "corrupt-out") faults_.corrupt_out = count;
    else if (name == "wrong-key") faults_.wrong_key = count;
    else if (name == "duplicate") faults_.duplicate = count;
    else if (name == "patience") faults_.patience_ms = count;
    else if (name == "version") faults_.major = count;
    else if (name == "reset") power_on();
    else if (name == "heal") faults_ = Faults{};
    else return false;
    show_constants();
    return true;
  }

  int driver_listener_, fault_listener_, driver_ = -1;
  int shared_, doorbell_, interrupt_;
  std::atomic<uint32_t> *page_;
  uint8_t *memory_;
  uint32_t seen_[PAGE_BYTES / 4] = {};
  std::unique_ptr<DeviceModel> model_;
  Faults faults_;
  unsigned rounds_ = 0;
};

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: device SOCKET\n");
    return 2;
  }
  signal(SIGTERM, [](int) { ending = 1; });
  signal(SIGINT, [](int) { ending = 1; });
  signal(SIGPIPE, SIG_IGN);
  try {
    Device device(argv[1]);
    std::printf("ready\n");
    std::fflush(stdout);
    device.run();
  } catch (const std::exception &error) {
    std::fprintf(stderr, "device: %s\n", error.what());
    return 1;
  }
  return 0;
}
