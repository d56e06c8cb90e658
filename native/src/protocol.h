// The wire between the agent and a supervisor. `native/protocol.ts` and `native/frames.ts` are the
// other end; change both together.
//
// Everything is little endian and unpadded. A reader checks every length against what is left and
// gives up on the first that does not fit.
//
//   str    = u32 length, bytes, 0           list<x> = u32 count, x ...
//   spec   = u32 magic "BAY1", u32 bytes that follow, container
//
//   container = u32 flags (CONTAINER_*)
//               str log path, u64 bytes from which on it is to be rotated, u64 most bytes
//               str oom                          the cgroup file that counts OOM kills
//               list<namespace>                  not named: the supervisor's own
//               list<map> uids, list<map> gids   of the user namespace
//               list<offset>                     of the time namespace
//               str hostname, str domain name    "" = left as it is
//               list<sysctl>
//               u32 propagation of the root (MS_*), 0 = private
//               list<str> layers                 topmost first
//               str upper, str work              "" = memory, for mount points
//               list<mount>
//               u32 mounts that come before devices and links
//               list<device>, list<link>
//               list<str> masked, list<str> read-only
//               process
//   namespace = u32 type (CLONE_NEW*), str path to join; "" = a new one
//   map       = u32 inside, u32 outside, u32 size
//   offset    = u32 clock, u64 seconds (two's complement), u32 nanoseconds
//   sysctl    = str path below /proc/sys, str value
//   mount     = u32 kind (MOUNT_*), u32 flags (MOUNT_FLAG_*)
//               u32 set, u32 clear               MOUNT_ATTR_* of the mount alone
//               u32 set, u32 clear               and of it with all that is below
//               u32 propagation, u32 propagation with all that is below (MS_*), 0 = left
//               str type                         MOUNT_FILESYSTEM
//               str root                         if not "", `source` begins there and cannot leave; with
//                                                MOUNT_FLAG_STAND_IN what is shown in its place
//               str source, str target
//               list<str> options                name=value or a flag's name; of MOUNT_FILESYSTEM, and
//                                                of MOUNT_REMOUNT, which changes the file system by them
//               list<map> uids, list<map> gids   MOUNT_FLAG_IDMAP; none = the user namespace's
//   device    = str path, u32 mode with type, u32 major, u32 minor, u32 uid, u32 gid
//   link      = str path, str content
//   process   = u32 flags (PROCESS_*), u32 columns, u32 rows
//               u32 uid, u32 gid, list<u32> groups, u32 umask
//               u32 the uid on the host, which gets the streams
//               u64 bounding, effective, permitted, inheritable, ambient capabilities
//               u32 oom_score_adj (two's complement)
//               list<rlimit>  = u32 resource, u64 soft, u64 hard
//               str scheduler                    struct sched_attr, "" = left
//               u32 I/O priority                 0 = left
//               u32 personality                  ~0 = left
//               str first CPU mask, str last     before and after its cgroups; "" = left
//               str AppArmor profile, str SELinux label
//               u64 access that Landlock handles, list<rule> = u64 access, str path
//               list<str> cgroup v1 directories, str cgroup v2 directory
//               list<str> arguments, list<str> environment, str working directory
//               str seccomp program              struct sock_filter ..., "" = none
//               u32 its flags                    SECCOMP_FILTER_FLAG_*
//               u32 mode and flags (MPOL_*), str mask of nodes   with PROCESS_MEMORY_POLICY alone
//
// A process for somebody else, handed over (handover.h):
//
//   order  = u32 magic "BAYH", u32 bytes that follow, u32 flags (HANDOVER_*), u32 preserved,
//            container, or with HANDOVER_EXEC process
//
// It comes with these descriptors: 3 the connection; 4 the gate, a listening socket, or with
// HANDOVER_EXEC a pidfd of the container; 5, 6, 7 the program's stdin, stdout and stderr; 8 with
// HANDOVER_CONSOLE a socket that wants the terminal's master; 9 with HANDOVER_EXEC a socket that
// wants the listener of the seccomp program; 10 ... those to be preserved.
// Answers: FRAME_PREPARED, FRAME_STARTED, FRAME_FAILED as below; the supervisor ends with the last.
// With HANDOVER_GATE the process then waits for a connection to the gate that says one byte. That
// connection gets the listener, if there is one, with one byte; it ends when the program runs, or brings
//
//   u32 errno, u32 exit code (126, 127, 128), 48 bytes what was tried, 208 bytes on what
//
// A supervisor started beforehand has only descriptor 3. What the others are given when they start
// comes there before the spec, in one message with two descriptors, the control socket and the
// state directory:
//
//   assignment = u32 magic "BAYS", u32 bytes that follow, id
//
// The spec comes first on descriptor 3; FRAME_CONTINUE follows when the cgroups of v1 are made, of v2 the directory
// is there before. From then on that connection, and each one accepted on
// descriptor 4 (ctl.sock), carries frames both ways:
//
//   +-----------------+--------+--------+-----------+---------------------+
//   | u32 length      | u8     | u8     | u16       | payload             |
//   | of the payload  | type   | stream | 0         | (length bytes)      |
//   +-----------------+--------+--------+-----------+---------------------+
#pragma once

// What a supervisor's `state` says it speaks. Another number: this agent must not talk to it. In
// every version `state` is JSON with `supervisor`, `pid` and `started`.
#define PROTOCOL_VERSION 2
#define SPEC_MAGIC 0x31594142u  // "BAY1"
#define HANDOVER_MAGIC 0x48594142u  // "BAYH"
#define SPARE_MAGIC 0x53594142u  // "BAYS"
#define SPEC_LIMIT (4u << 20)
#define FRAME_HEADER 8u
#define FRAME_LIMIT (1u << 20)

enum {
  CONTAINER_READONLY_ROOT = 1,
  CONTAINER_STDIN_ONCE = 2,  // stdin closes with the first attached client that had it
  CONTAINER_PLAIN_ROOT = 4,  // the first layer itself is the root
  CONTAINER_MAP_LAYERS = 8,  // layers show owners as the user namespace maps them
  CONTAINER_KEEP_LAYER = 16,  // what is synced to the upper layer survives a crash of the machine
  CONTAINER_ALONE = 32,       // nobody else is in its user namespace yet
};

enum { MOUNT_BIND = 1, MOUNT_FILESYSTEM = 2, MOUNT_REMOUNT = 3 };
enum {
  MOUNT_FLAG_RECURSIVE = 1,
  MOUNT_FLAG_PLAIN = 2,
  MOUNT_FLAG_COPY_UP = 4,
  MOUNT_FLAG_IDMAP = 8,
  MOUNT_FLAG_RECURSIVE_IDMAP = 16,
  // a file system that the kernel does not let be new (EPERM): `root`, with all that is mounted in it
  MOUNT_FLAG_STAND_IN = 32,
};

enum {
  PROCESS_TTY = 1,
  PROCESS_STDIN = 2,
  PROCESS_NO_NEW_PRIVILEGES = 4,
  PROCESS_JOIN_USER = 8,
  PROCESS_OOM_SCORE = 16,
  PROCESS_MAKE_CWD = 32,
  // exec: the container's root is not that of its mount namespace, which it shares
  PROCESS_OWN_ROOT = 64,
  // a container's: ready to run its program it waits, FRAME_PREPARED is sent and a second
  // FRAME_CONTINUE runs it; it ends with the connection
  PROCESS_HELD = 128,
  // exec: nobody waits for it; its streams are /dev/null, and it outlives the connection
  PROCESS_DETACHED = 256,
  // handed over by who has no rights on the host: the user namespace is entered first, and gives those
  // that everything else takes
  PROCESS_ROOTLESS = 512,
  // its user namespace forbids setgroups(2): supplementary groups stay those of who starts it
  PROCESS_KEEP_GROUPS = 1024,
  PROCESS_MEMORY_POLICY = 2048,
};

enum {
  HANDOVER_EXEC = 1,
  HANDOVER_GATE = 2,
  HANDOVER_HOOKS = 4,  // FRAME_PREPARED is sent and FRAME_CONTINUE waited for
  HANDOVER_CONSOLE = 8,
  HANDOVER_IDLE = 16,  // there is no program; the gate is never to be opened
};
enum {
  GIVEN_CONNECTION = 3,
  GIVEN_GATE = 4,
  GIVEN_PIDFD = 4,
  GIVEN_STDIO = 5,
  GIVEN_CONSOLE = 8,
  GIVEN_NOTIFY = 9,
  GIVEN_PRESERVED = 10,
};

// Asked by the agent.
enum {
  FRAME_STATUS = 1,       // -> FRAME_STARTED, and FRAME_EXITED if it has ended
  // u32 signal; to the container, on an exec connection to that process -> FRAME_DONE
  FRAME_SIGNAL = 2,
  FRAME_RESIZE = 3,       // u32 columns, u32 rows
  FRAME_STDIN = 4,        // bytes
  FRAME_STDIN_END = 5,    //
  FRAME_ATTACH = 6,       // u32 with stdin; from now on FRAME_OUTPUT comes -> FRAME_DONE
  // process; this connection is that process's from now on -> FRAME_STARTED or FRAME_FAILED
  FRAME_EXEC = 7,
  FRAME_REOPEN_LOG = 8,   // -> FRAME_DONE
  FRAME_ACKNOWLEDGE = 9,  // the exit is known; the supervisor ends
  FRAME_CONTINUE = 10,    // the cgroups are made, the hooks have run, or a held process is to run
};

// Told by the supervisor.
enum {
  FRAME_STARTED = 64,  // u32 pid (of the supervisor's pid namespace), u64 nanoseconds since 1970
  // u32 errno, u32 exit code (126, 127, 128), str what was tried, str on what, u32 pid of the
  // process that failed when it was to be handed over and is to be reaped, else 0
  FRAME_FAILED = 65,
  FRAME_OUTPUT = 66,   // stream 1 or 2: bytes
  // u32 exit code, u32 signal or 0, u32 OOM killed, u64 started, u64 finished (nanoseconds)
  FRAME_EXITED = 67,
  // u32 type of the request, u32 errno or 0; of FRAME_ATTACH, u64 bytes of the log's file that were
  // written before: what comes from now on is not in them
  FRAME_DONE = 68,
  // the log is to be rotated; once a file, to who is connected first or asked for the status
  FRAME_LOG_LARGE = 69,
  // u32 pid: namespaces and mounts are made, the root is not changed yet; or with PROCESS_HELD the
  // process is ready
  FRAME_PREPARED = 70,
  // u32 processes of the container killed for want of memory so far; to who follows
  FRAME_OUT_OF_MEMORY = 71,
};
