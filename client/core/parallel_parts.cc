#include "client/core/parallel_parts.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

namespace lehr {

void DoInParallel(std::uint64_t size, std::uint64_t granule, unsigned parts,
                  absl::FunctionRef<void(unsigned, std::uint64_t, std::uint64_t)> work) {
  const std::uint64_t part_size = (size / parts + granule - 1) / granule * granule;
  std::vector<std::thread> threads;
  for (unsigned part = 0; part < parts; ++part) {
    const std::uint64_t begin = std::min(part * part_size, size);
    const std::uint64_t end = part + 1 == parts ? size : std::min(begin + part_size, size);
    if (part + 1 < parts) {
      try {
        threads.emplace_back([=] { work(part, begin, end); });
        continue;
      } catch (const std::system_error&) {
        // Done here instead.
      }
    }
    work(part, begin, end);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

unsigned UsableCpus() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace lehr
