// Work on a range, cut into parts that threads of their own do.
#ifndef LEHR_CLIENT_CORE_PARALLEL_PARTS_H_
#define LEHR_CLIENT_CORE_PARALLEL_PARTS_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace lehr {

// Calls work(part, begin, end) for each of `parts` neighbouring parts of [0, size), which are equal
// but for `granule`: every part but the last is a multiple of it. The last part is done by the
// calling thread, as is any for which the system has no thread. Returns when all are done.
void DoInParallel(std::uint64_t size, std::uint64_t granule, unsigned parts,
                  absl::FunctionRef<void(unsigned, std::uint64_t, std::uint64_t)> work);

// The CPUs that the calling thread may run on, at least 1.
unsigned UsableCpus();

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_PARALLEL_PARTS_H_
