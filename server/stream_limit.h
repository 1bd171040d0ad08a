// How many ranks and sidecars may be connected at a time.
//
// Thread-safe.
#ifndef LEHR_SERVER_STREAM_LIMIT_H_
#define LEHR_SERVER_STREAM_LIMIT_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lehr {

class StreamLimit {
 public:
  explicit StreamLimit(uint32_t most) : most_(most) {}

  // RESOURCE_EXHAUSTED if there are too many. Counts it all the same: Leave is due once in any
  // case.
  absl::Status Enter() {
    return ++taken_ <= most_ ? absl::OkStatus()
                             : absl::ResourceExhaustedError(absl::StrCat(
                                   "this lehrd has ", most_, " streams, the most that it takes"));
  }
  void Leave() { --taken_; }

 private:
  const uint32_t most_;
  std::atomic<uint32_t> taken_ = 0;
};

}  // namespace lehr

#endif  // LEHR_SERVER_STREAM_LIMIT_H_
