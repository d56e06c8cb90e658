#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../protocol.h"
#include "failure.h"

#define KEYCTL_JOIN_SESSION_KEYRING 1

// Without no_new_privs the kernel asks who installs a filter for CAP_SYS_ADMIN.
static int filter_needs_admin(const struct process* p) {
  return p->seccomp_length != 0 && !(p->flags & PROCESS_NO_NEW_PRIVILEGES);
}

void start_filter(const struct process* p) {
  if (p->seccomp_length == 0) return;
  struct sock_fprog program = {
      .len = (unsigned short)(p->seccomp_length / sizeof(struct sock_filter)),
      .filter = (struct sock_filter*)p->seccomp,
  };
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    fail("load", "the seccomp program");
}

static void drop_bounding(uint64_t kept) {
  for (int i = 0; i < 64; i++) {
    if (kept >> i & 1) continue;
    if (prctl(PR_CAPBSET_DROP, i) == 0) continue;
    if (errno == EINVAL) return;  // the kernel knows no more
    fail("drop", "a capability");
  }
}

static void become_user(const struct process* p) {
  struct list groups = p->groups;
  gid_t ids[groups.count + 1];
  for (uint32_t i = 0; i < groups.count; i++) ids[i] = read_u32(&groups.items);
  if (setgroups(groups.count, ids) != 0) fail("set", "supplementary groups");
  if (setresgid(p->gid, p->gid, p->gid) != 0) fail("set", "the group");
  if (setresuid(p->uid, p->uid, p->uid) != 0) fail("set", "the user");
}

// The C library's header-free form of capset(2): inheritable is always empty (CVE-2022-29162).
static void set_capabilities(uint64_t kept) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) != 0) fail("read", "capabilities");
  for (int i = 0; i < 2; i++) {
    uint32_t part = (uint32_t)(kept >> (32 * i)) & sets[i].permitted;
    sets[i] = (struct __user_cap_data_struct){part, part, 0};
  }
  if (syscall(SYS_capset, &header, sets) != 0) fail("set", "capabilities");
}

void drop_privileges(const struct process* p) {
  // best effort: the agent's keys are not the container's
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
  drop_bounding(p->capabilities);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  int needs_admin = filter_needs_admin(p);
  if (prctl(PR_SET_KEEPCAPS, needs_admin) != 0) fail("keep", "capabilities");  // execve clears it
  become_user(p);
  uint64_t admin = needs_admin ? 1ull << CAP_SYS_ADMIN : 0;
  set_capabilities((p->uid == 0 ? p->capabilities : 0) | admin);
  if (p->flags & PROCESS_NO_NEW_PRIVILEGES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    fail("set", "no_new_privs");
}
