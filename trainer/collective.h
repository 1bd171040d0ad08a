// What the ranks of a data-parallel job do together, over MPI.
//
//   Collective ranks;                                  // mpirun -n 4 lehr-train ...
//   ranks.Broadcast(nonce);                            // all have rank 0's now
//   ranks.AllReduce(model.gradients(), totals);        // all have the sums now, bit for bit alike
//
// A process that no launcher of MPI started is a job of one rank and does not initialize MPI, which
// would take half a second. Every rank makes the same calls in the same order; each waits for all
// ranks. MPI's errors end the job. One object a process; one thread calls.
#ifndef LEHR_TRAINER_COLLECTIVE_H_
#define LEHR_TRAINER_COLLECTIVE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "trainer/step_totals.h"

namespace lehr {

class Collective {
 public:
  Collective();
  // All ranks must get here: one that ends without it makes mpirun kill the others.
  ~Collective();
  Collective(const Collective&) = delete;
  Collective& operator=(const Collective&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }

  // The bytes of rank `root`, on every rank.
  void Broadcast(std::string& bytes, int root = 0) const;

  struct Extremes {
    uint64_t least;
    uint64_t greatest;
  };
  Extremes ExtremesOf(uint64_t value) const;

  // Each value becomes its sum over all ranks, and the totals are combined: one all-reduce.
  // Allocates only when the number of values changes. A NaN becomes the same NaN on every rank.
  void AllReduce(absl::Span<float> values, StepTotals& totals);

 private:
  // MPI's handles and the buffer that it reduces.
  struct Reduction;

  int rank_ = 0;
  int size_ = 1;
  std::unique_ptr<Reduction> reduction_;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_COLLECTIVE_H_
