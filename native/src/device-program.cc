// Who may open which device in a v2 cgroup: a BPF program that is attached to it.
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "cgroup-steps.h"
#include "fd.h"

namespace {

int Bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

int Digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

std::string BytesOf(const std::string& digits) {
  std::string bytes;
  for (size_t at = 0; at + 1 < digits.size(); at += 2) {
    bytes.push_back(static_cast<char>(Digit(digits[at]) << 4 | Digit(digits[at + 1])));
  }
  return bytes;
}

// Loading takes a millisecond, attaching a tenth of it, and nearly all containers have the same
// one: those loaded are kept, a few dozen at most.
int Load(const std::string& code) {
  static std::mutex mutex;
  static std::map<std::string, Fd> loaded;
  std::lock_guard lock(mutex);
  auto found = loaded.find(code);
  if (found != loaded.end()) return dup(found->second.get());
  std::string bytes = BytesOf(code);
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insn_cnt = static_cast<uint32_t>(bytes.size() / sizeof(bpf_insn));
  attributes.insns = reinterpret_cast<uint64_t>(bytes.data());
  attributes.license = reinterpret_cast<uint64_t>("Apache-2.0");
  Fd fd(Bpf(BPF_PROG_LOAD, attributes));
  if (!fd.valid()) return -1;
  if (loaded.size() >= 32) loaded.clear();
  int copy = dup(fd.get());
  loaded.emplace(code, std::move(fd));
  return copy;
}

constexpr uint32_t kMost = 64;

// The numbers of the programs that are attached now.
uint32_t Attached(int cgroup, uint32_t* numbers) {
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.query.target_fd = static_cast<uint32_t>(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = reinterpret_cast<uint64_t>(numbers);
  attributes.query.prog_cnt = kMost;
  return Bpf(BPF_PROG_QUERY, attributes) == 0 ? attributes.query.prog_cnt : 0;
}

void Detach(int cgroup, uint32_t number) {
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_id = number;
  Fd old(Bpf(BPF_PROG_GET_FD_BY_ID, attributes));
  if (!old.valid()) return;
  memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(old.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  Bpf(BPF_PROG_DETACH, attributes);
}

uint32_t NumberOf(int program) {
  bpf_prog_info facts;
  bpf_attr attributes;
  memset(&facts, 0, sizeof facts);
  memset(&attributes, 0, sizeof attributes);
  attributes.info.bpf_fd = static_cast<uint32_t>(program);
  attributes.info.info_len = sizeof facts;
  attributes.info.info = reinterpret_cast<uint64_t>(&facts);
  return Bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 ? facts.id : 0;
}

}  // namespace

// The new one first, so that there is no moment without any: all that are attached must allow.
SystemError RestrictDevices(const Step& step) {
  Fd cgroup(open(step.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup.valid()) return {errno, "open", step.path};
  Fd program(Load(step.value));
  if (!program.valid()) return {errno, "load a device program for", step.path};
  uint32_t before[kMost];
  const uint32_t count = Attached(cgroup.get(), before);
  const uint32_t own = NumberOf(program.get());
  bool present = false;
  for (uint32_t i = 0; i < count; i++) {
    if (before[i] != own) continue;
    present = true;
    before[i] = 0;
  }
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<uint32_t>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (!present && Bpf(BPF_PROG_ATTACH, attributes) != 0) {
    return {errno, "attach a device program to", step.path};
  }
  for (uint32_t i = 0; i < count; i++) {
    if (before[i] != 0) Detach(cgroup.get(), before[i]);
  }
  return {};
}
