// A program of several ranks: mpirun -n N collective_test. Prints what is wrong and exits with 1.
#include "trainer/collective.h"

#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "trainer/ranks.h"

namespace lehr {
namespace {

class CollectiveTest {
 public:
  bool Run() {
    Broadcasts();
    FindsExtremes();
    AddsExactly();
    GivesTheSameBitsOnEveryRank();
    TellsTheFirstErrorToAll();
    TellsWhichLineDiffers();
    FindsReplicasThatDiffer();
    SharesANonce();
    return passed_;
  }

 private:
  void Expect(bool is_right, const std::string& what) {
    if (!is_right) {
      passed_ = false;
      std::cerr << "rank " << ranks_.rank() << " of " << ranks_.size() << ": " << what << std::endl;
    }
  }

  bool is_last() const { return ranks_.rank() == ranks_.size() - 1; }

  void Broadcasts() {
    std::string bytes = is_last() ? std::string("a\0b", 3) : "something longer";
    ranks_.Broadcast(bytes, ranks_.size() - 1);
    Expect(bytes == std::string("a\0b", 3), "Broadcast gives " + bytes);
    std::string empty = ranks_.rank() == 0 ? "" : "not empty";
    ranks_.Broadcast(empty);
    Expect(empty.empty(), "Broadcast of nothing gives " + empty);
  }

  void FindsExtremes() {
    constexpr uint64_t kHighest = ~uint64_t{0};
    const Collective::Extremes extremes =
        ranks_.ExtremesOf(kHighest - static_cast<uint64_t>(ranks_.rank()));
    Expect(extremes.least == kHighest - static_cast<uint64_t>(ranks_.size() - 1) &&
               extremes.greatest == kHighest,
           "ExtremesOf is wrong");
  }

  // Sums of small integers are exact in any order.
  void AddsExactly() {
    const int64_t n = ranks_.size();
    for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{300'000}, size_t{3}}) {
      std::vector<float> values(size);
      for (size_t i = 0; i < size; ++i) {
        values[i] = static_cast<float>(i % 1000) + static_cast<float>(ranks_.rank());
      }
      const auto rank = static_cast<uint64_t>(ranks_.rank());
      StepTotals totals = {.loss_sum = 1.5,
                           .stop_requested = is_last() ? 1U : 0U,
                           .least_command = 10 + rank,
                           .greatest_command = 10 + rank};
      ranks_.AllReduce(absl::MakeSpan(values), totals);
      for (size_t i = 0; i < size; ++i) {
        const auto expected =
            static_cast<float>(n * static_cast<int64_t>(i % 1000) + n * (n - 1) / 2);
        if (values[i] != expected) {
          Expect(false, "AllReduce of " + std::to_string(size) + " values is wrong at " +
                            std::to_string(i));
          break;
        }
      }
      Expect(totals.loss_sum == 1.5 * static_cast<double>(n), "the loss sum is wrong");
      Expect(totals.stop_requested == 1, "the request to stop is lost");
      Expect(totals.least_command == 10, "the least command is wrong");
      Expect(totals.greatest_command == 9 + static_cast<uint64_t>(n),
             "the greatest command is wrong");
    }
  }

  // Values of very different size, whose sum depends on the order, and NaNs of different bits.
  void GivesTheSameBitsOnEveryRank() {
    std::vector<float> values(10'000);
    uint32_t state = 12345 + static_cast<uint32_t>(ranks_.rank());
    for (float& value : values) {
      state = state * 1664525 + 1013904223;
      value = std::ldexp(static_cast<float>(state >> 8) - 8e6F, static_cast<int>(state % 60) - 30);
    }
    uint32_t bits = 0x7fc00000 | static_cast<uint32_t>(1 + ranks_.rank());
    std::memcpy(&values[17], &bits, sizeof(bits));
    bits |= 0x80000000;
    std::memcpy(&values[18], &bits, sizeof(bits));
    StepTotals totals = {.loss_sum = std::ldexp(1.1, 40 * ranks_.rank())};
    ranks_.AllReduce(absl::MakeSpan(values), totals);
    std::string own(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    own.append(reinterpret_cast<const char*>(&totals), sizeof(totals));
    std::string of_rank_0 = own;
    ranks_.Broadcast(of_rank_0);
    Expect(own == of_rank_0, "AllReduce gives other bits than on rank 0");
    Expect(std::isnan(values[17]) && std::isnan(values[18]), "a NaN is lost");
  }

  void TellsTheFirstErrorToAll() {
    Expect(FirstError(ranks_, absl::OkStatus()).ok(), "there is an error where there is none");
    const absl::Status own = is_last() ? absl::DataLossError("gone") : absl::OkStatus();
    const int last = ranks_.size() - 1;
    const absl::Status first = FirstError(ranks_, own);
    Expect(first ==
               absl::DataLossError(last == 0 ? "gone" : "rank " + std::to_string(last) + ": gone"),
           "FirstError gives " + first.ToString());
  }

  void TellsWhichLineDiffers() {
    Expect(CheckSameDescription(ranks_, "a\nb").ok(), "equal descriptions are refused");
    if (ranks_.size() == 1) {
      return;
    }
    const absl::Status status =
        CheckSameDescription(ranks_, is_last() ? "--x=1\n--y=3" : "--x=1\n--y=2");
    Expect(status == absl::FailedPreconditionError(
                         "rank " + std::to_string(ranks_.size() - 1) +
                         ": it has --y=3, but rank 0 has --y=2; all ranks need the same"),
           "CheckSameDescription gives " + status.ToString());
  }

  void FindsReplicasThatDiffer() {
    Expect(CheckReplicas(ranks_, "00c0ffee").ok(), "equal replicas are refused");
    const absl::Status status = CheckReplicas(ranks_, is_last() ? "00c0ffee" : "deadbeef");
    Expect(status.ok() == (ranks_.size() == 1), "CheckReplicas gives " + status.ToString());
  }

  void SharesANonce() {
    const std::string own = SharedNonce(ranks_);
    std::string of_rank_0 = own;
    ranks_.Broadcast(of_rank_0);
    const std::string another = SharedNonce(ranks_);
    Expect(own.size() == 32 && own == of_rank_0 && own != another, "SharedNonce gives " + own);
  }

  Collective ranks_;
  bool passed_ = true;
};

}  // namespace
}  // namespace lehr

int main() { return lehr::CollectiveTest().Run() ? 0 : 1; }
