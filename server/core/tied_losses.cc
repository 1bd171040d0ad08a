#include "server/core/tied_losses.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/core/big_integer.h"
#include "server/core/little_endian.h"
#include "server/core/loss_statistics.h"

namespace lehr {
namespace {

constexpr int kMantissaBits = 23;
constexpr uint32_t kHiddenBit = 1u << kMantissaBits;
constexpr int kGreatestExponent = 254;
constexpr size_t kBytes = 8 + 2 * ExactSum<6>::kBytes;

// Zero in every number that binary16 or bfloat16 has, but for the former's denormals.
constexpr uint32_t kBelow16BitFormats = (1u << 13) - 1;
// So many equal losses tie.
constexpr ptrdiff_t kAlike = 3;

// A finite loss >= 0, so many times.
void AddTimes(uint32_t bits, ptrdiff_t times, ExactSum<6>& sum) {
  const auto exponent = static_cast<int>(bits >> kMantissaBits);
  const uint32_t fraction = bits % kHiddenBit;
  const uint32_t mantissa = exponent == 0 ? fraction : fraction + kHiddenBit;
  sum.Add(Int128{mantissa} * times, std::max(exponent, 1) - 1);
}

ExactSum<6> TakeSum(std::string_view& bytes) {
  const auto sum = ExactSum<6>::Parse(bytes.substr(0, ExactSum<6>::kBytes));
  bytes.remove_prefix(ExactSum<6>::kBytes);
  return sum;
}

}  // namespace

void LossSample::Add(absl::Span<const float> losses, float loss_offset) {
  for (size_t i = 0; i < losses.size() && losses_.size() < kMost; ++i) {
    const float loss = losses[i] + loss_offset;
    if (std::isfinite(loss) && loss >= 0) {
      // abs: -0 is 0.
      losses_.push_back(std::abs(loss));
    }
  }
}

void TiedLosses::AddReport(absl::Span<const float> losses) {
  LossSample report;
  report.Add(losses);
  AddReport(report);
}

void TiedLosses::AddReport(const LossSample& report) {
  if (report.losses().size() < kLeast) {
    return;
  }
  std::vector<uint32_t> bits;
  for (const float loss : report.losses()) {
    bits.push_back(std::bit_cast<uint32_t>(loss));
  }
  if (std::all_of(bits.begin(), bits.end(),
                  [](uint32_t loss) { return (loss & kBelow16BitFormats) == 0; })) {
    return;
  }
  // Equal bits lie side by side.
  std::sort(bits.begin(), bits.end());
  for (auto first = bits.begin(); first != bits.end();) {
    const auto last =
        std::find_if(first, bits.end(), [=](uint32_t other) { return other != *first; });
    AddTimes(*first, last - first, sum_);
    if (last - first >= kAlike) {
      AddTimes(*first, last - first, sum_of_tied_);
    }
    first = last;
  }
  count_ += bits.size();
}

void TiedLosses::Merge(const TiedLosses& other) {
  count_ += other.count_;
  sum_ += other.sum_;
  sum_of_tied_ += other.sum_of_tied_;
}

std::optional<double> TiedLosses::share() const {
  if (count_ == 0) {
    return std::nullopt;
  }
  const double sum = RoundToDouble(ToBigInteger(sum_.limbs()), LossStatistics::kSumUnit);
  const double sum_of_tied =
      RoundToDouble(ToBigInteger(sum_of_tied_.limbs()), LossStatistics::kSumUnit);
  return sum == 0 ? 0 : sum_of_tied / sum;
}

std::string TiedLosses::Serialize() const {
  std::string bytes;
  AppendInteger(bytes, count_, 8);
  sum_.AppendTo(bytes);
  sum_of_tied_.AppendTo(bytes);
  return bytes;
}

absl::StatusOr<TiedLosses> TiedLosses::Parse(std::string_view bytes) {
  if (bytes.size() != kBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("tied losses of ", bytes.size(), " bytes; expected ", kBytes));
  }
  TiedLosses tied;
  tied.count_ = TakeInteger(bytes, 8);
  tied.sum_ = TakeSum(bytes);
  tied.sum_of_tied_ = TakeSum(bytes);
  const BigInteger greatest = BigInteger(2 * kHiddenBit - 1) << (kGreatestExponent - 1);
  const BigInteger sum = ToBigInteger(tied.sum_.limbs());
  const BigInteger sum_of_tied = ToBigInteger(tied.sum_of_tied_.limbs());
  if (sum_of_tied < 0 || sum_of_tied > sum || sum > greatest * tied.count_ ||
      (tied.count_ > 0 && tied.count_ < kLeast)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tied losses that no losses are: count ", tied.count_, ", sum ",
                     RoundToDouble(sum, LossStatistics::kSumUnit), ", of those that tie ",
                     RoundToDouble(sum_of_tied, LossStatistics::kSumUnit)));
  }
  return tied;
}

}  // namespace lehr
