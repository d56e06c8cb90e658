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

// Without no_new_privs the kernel asks who restricts himself for CAP_SYS_ADMIN.
static int needs_admin(const struct process* p) {
  int restricted = p->seccomp.length != 0 || p->landlock_handled != 0;
  return restricted && !(p->flags & PROCESS_NO_NEW_PRIVILEGES);
}

int start_filter(const struct process* p) {
  if (p->seccomp.length == 0) return -1;
  struct sock_fprog program = {
      .len = (unsigned short)(p->seccomp.length / sizeof(struct sock_filter)),
      .filter = (struct sock_filter*)p->seccomp.at,
  };
  long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->seccomp_flags, &program);
  if (listener < 0) fail("load", "the seccomp program");
  return p->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER ? (int)listener : -1;
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
  if (!(p->flags & PROCESS_KEEP_GROUPS) && setgroups(groups.count, ids) != 0)
    fail("set", "supplementary groups");
  if (setresgid(p->gid, p->gid, p->gid) != 0) fail("set", "the group");
  if (setresuid(p->uid, p->uid, p->uid) != 0) fail("set", "the user");
}

// What this process does not have itself falls away.
static void set_capabilities(const struct capabilities* wanted, uint64_t admin) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) != 0) fail("read", "capabilities");
  for (int i = 0; i < 2; i++) {
    uint32_t own = sets[i].permitted;
    uint32_t permitted = (uint32_t)((wanted->permitted | admin) >> (32 * i)) & own;
    sets[i] = (struct __user_cap_data_struct){
        .permitted = permitted,
        .effective = (uint32_t)((wanted->effective | admin) >> (32 * i)) & permitted,
        .inheritable = (uint32_t)(wanted->inheritable >> (32 * i)) & own,
    };
  }
  if (syscall(SYS_capset, &header, sets) != 0) fail("set", "capabilities");
}

void regain_capabilities(void) {
  struct capabilities all = {.effective = ~0ull, .permitted = ~0ull};
  set_capabilities(&all, 0);
}

// Those that are not permitted and inheritable cannot be; EINVAL: the kernel knows no more.
static void raise_ambient(uint64_t wanted) {
  for (int i = 0; i < 64; i++) {
    if (!(wanted >> i & 1) || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) == 0) continue;
    if (errno != EPERM && errno != EINVAL) fail("raise", "an ambient capability");
  }
}

void drop_privileges(const struct process* p) {
  const struct capabilities* wanted = &p->capabilities;
  uint64_t admin = needs_admin(p) ? 1ull << CAP_SYS_ADMIN : 0;
  // best effort: the agent's keys are not the container's
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
  drop_bounding(wanted->bounding);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // execve clears it
  if (prctl(PR_SET_KEEPCAPS, (wanted->permitted | admin) != 0) != 0) fail("keep", "capabilities");
  become_user(p);
  set_capabilities(wanted, admin);
  raise_ambient(wanted->ambient);
  if (p->flags & PROCESS_NO_NEW_PRIVILEGES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    fail("set", "no_new_privs");
}
