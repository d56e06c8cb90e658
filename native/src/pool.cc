#include "pool.h"

#include <sched.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace {

constexpr int kThreads = 4;

struct Pool {
  std::mutex mutex;
  std::condition_variable more;
  std::deque<std::function<void()>> waiting;
  int threads = 0;
  int idle = 0;

  void Work() {
    // A batch thread that is woken does not push the one that woke it, the event loop, off its
    // processor.
    sched_param none = {};
    sched_setscheduler(0, SCHED_BATCH, &none);
    std::unique_lock lock(mutex);
    for (;;) {
      idle++;
      more.wait(lock, [this] { return !waiting.empty(); });
      idle--;
      std::function<void()> next = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      next();
      next = nullptr;
      lock.lock();
    }
  }
};

// Never destroyed: its threads may outlive the environment that made it.
Pool& ThePool() {
  static Pool* pool = new Pool;
  return *pool;
}

}  // namespace

void RunOnPool(std::function<void()> work) {
  Pool& pool = ThePool();
  std::unique_lock lock(pool.mutex);
  pool.waiting.push_back(std::move(work));
  if (pool.idle < static_cast<int>(pool.waiting.size()) && pool.threads < kThreads) {
    pool.threads++;
    std::thread([&pool] { pool.Work(); }).detach();
  }
  pool.more.notify_one();
}
