#include "landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>

#include "failure.h"
#include "sys.h"

// Of a file: all that is said of directories is left out, which the kernel would refuse.
#define OF_FILES                                                                             \
  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
      (3ull << 14) /* truncate, ioctl of devices */)

static void fit(struct landlock_path_beneath_attr* rule) {
  struct stat facts;
  if (fstat(rule->parent_fd, &facts) == 0 && !S_ISDIR(facts.st_mode))
    rule->allowed_access &= OF_FILES;
}

int make_ruleset(const struct process* p) {
  struct landlock_ruleset_attr attributes = {.handled_access_fs = p->landlock_handled};
  if (!p->landlock_handled) return -1;
  // The oldest form of the struct: any kernel takes it.
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(uint64_t), 0);
  if (ruleset < 0) fail("make", "a Landlock ruleset");
  struct list rules = p->landlock_rules;
  for (uint32_t i = 0; i < rules.count; i++) {
    struct landlock_path_beneath_attr rule = {.allowed_access = read_u64(&rules.items)};
    const char* path = read_string(&rules.items);
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    fit(&rule);
    if (rule.parent_fd < 0 ||
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
      fail("allow by Landlock", path);
    close(rule.parent_fd);
  }
  return ruleset;
}

void restrict_to(int ruleset) {
  if (ruleset < 0) return;
  if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) fail("restrict by", "Landlock");
  close(ruleset);
}
