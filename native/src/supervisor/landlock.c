#include "landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>

#include "failure.h"
#include "sys.h"

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
