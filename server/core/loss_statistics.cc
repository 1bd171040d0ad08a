#include "server/core/loss_statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/core/big_integer.h"
#include "server/core/little_endian.h"
#include "server/core/x_log2_x.h"

namespace lehr {
namespace {

constexpr int kMantissaBits = 23;
constexpr uint32_t kHiddenBit = 1u << kMantissaBits;
constexpr uint32_t kFractionMask = kHiddenBit - 1;
constexpr int kExponentBias = 127;
constexpr uint32_t kSpecialExponent = 255;  // infinities and NaN
constexpr uint32_t kSignTally = 256;        // the first of negative losses
constexpr uint32_t kTallies = 512;
constexpr uint32_t kBinsOfTallies = kTallies * LossHistogram::kBinsOfExponent;

// Losses between two folds of the tallies: what their 64-bit sums hold (see Tally and x_log2_x.h).
constexpr size_t kBlock = size_t{1} << 16;

template <typename Sum>
Sum TakeSum(std::string_view& bytes) {
  const Sum sum = Sum::Parse(bytes.substr(0, Sum::kBytes));
  bytes.remove_prefix(Sum::kBytes);
  return sum;
}

}  // namespace

// Sums over losses that share sign and exponent, in u = the fraction's 23 bits.
struct LossStatistics::Tally {
  static constexpr int kCountShift = 40;

  uint64_t count_and_fractions = 0;  // count * 2^40 + sum(u): 2^16 fractions stay below 2^39.
  uint64_t squares = 0;              // sum(u^2) < 2^62
  uint64_t rests = 0;                // sum(R(u)), modulo 2^64

  static Tally OfOne(uint32_t fraction, const XLog2X& table) {
    const uint64_t u = fraction;
    return {.count_and_fractions = (uint64_t{1} << kCountShift) + u,
            .squares = u * u,
            .rests = static_cast<uint64_t>(table.Rest(fraction))};
  }

  uint64_t count() const { return count_and_fractions >> kCountShift; }
  uint64_t fractions() const { return count_and_fractions & ((uint64_t{1} << kCountShift) - 1); }

  // Sum of the mantissas m = 2^23 + u.
  Int128 Mantissas() const { return (Int128{count()} << kMantissaBits) + fractions(); }

  Int128 SquaredMantissas() const {
    return (Int128{count()} << (2 * kMantissaBits)) + (Int128{fractions()} << (kMantissaBits + 1)) +
           squares;
  }

  // Sum of exponent * m + X(m), in the units of X.
  Int128 MantissasXLog2X(int exponent) const {
    const Int128 parabolas = ((Int128{3 * fractions()} << kMantissaBits) + squares) << 7;
    return Mantissas() * exponent * (Int128{1} << XLog2X::kFractionBits) + parabolas +
           static_cast<int64_t>(rests);
  }
};

// A tally for each of the 512 combinations of sign and exponent. Its counts and fractions are kept
// by the bins of the histogram.
class LossStatistics::Tallies {
 public:
  void Add(float loss, const XLog2X& table) {
    const uint32_t bits = std::bit_cast<uint32_t>(loss);
    const uint32_t index = bits >> kMantissaBits;
    const Tally tally = Tally::OfOne(bits & kFractionMask, table);
    count_and_fractions_[LossHistogram::IndexOf(bits)] += tally.count_and_fractions;
    squares_[index] += tally.squares;
    rests_[index] += tally.rests;
  }

  Tally operator[](uint32_t index) const {
    const absl::Span<const uint64_t> bins = BinsOf(index);
    return {.count_and_fractions = std::accumulate(bins.begin(), bins.end(), uint64_t{0}),
            .squares = squares_[index],
            .rests = rests_[index]};
  }

  // Of normal losses, or their negatives.
  LossHistogram::Bins Bins(uint32_t exponent, int sign) const {
    LossHistogram::Bins bins;
    for (uint32_t i = 0; i < bins.size(); ++i) {
      const Tally tally = {.count_and_fractions = BinsOf(exponent)[i]};
      bins[i] = {.count = static_cast<uint64_t>(sign) * tally.count(),
                 .mantissas = static_cast<uint64_t>(sign * tally.Mantissas())};
    }
    return bins;
  }

 private:
  absl::Span<const uint64_t> BinsOf(uint32_t index) const {
    return absl::MakeConstSpan(count_and_fractions_)
        .subspan(index * LossHistogram::kBinsOfExponent, LossHistogram::kBinsOfExponent);
  }

  // Eight more than needed: a load waits for earlier stores that lie a multiple of 4096 bytes off.
  template <uint32_t kSize>
  using Row = std::array<uint64_t, kSize + 8>;

  Row<kBinsOfTallies> count_and_fractions_ = {};
  Row<kTallies> squares_ = {};
  Row<kTallies> rests_ = {};
};

void LossStatistics::Add(absl::Span<const float> losses, float loss_offset) {
  AddOrRemove(losses, loss_offset, /*sign=*/1);
}

void LossStatistics::Remove(absl::Span<const float> losses, float loss_offset) {
  AddOrRemove(losses, loss_offset, /*sign=*/-1);
}

void LossStatistics::Merge(const LossStatistics& other) {
  count_ += other.count_;
  excluded_.nan += other.excluded_.nan;
  excluded_.infinite += other.excluded_.infinite;
  excluded_.negative += other.excluded_.negative;
  sum_ += other.sum_;
  sum_of_squares_ += other.sum_of_squares_;
  x_log2_x_ += other.x_log2_x_;
  histogram_.Merge(other.histogram_);
}

void LossStatistics::AddOrRemove(absl::Span<const float> losses, float loss_offset, int sign) {
  if (loss_offset == 0) {
    for (; !losses.empty(); losses.remove_prefix(std::min(losses.size(), kBlock))) {
      AddBlock(losses.subspan(0, kBlock), sign);
    }
    return;
  }
  std::array<float, 4096> shifted;
  for (; !losses.empty(); losses.remove_prefix(std::min(losses.size(), shifted.size()))) {
    const absl::Span<const float> piece = losses.subspan(0, shifted.size());
    std::transform(piece.begin(), piece.end(), shifted.begin(),
                   [loss_offset](float loss) { return loss + loss_offset; });
    AddBlock(absl::MakeConstSpan(shifted.data(), piece.size()), sign);
  }
}

// The loop has no branch: what does not belong into the sums has tallies of its own, and is sorted
// out afterwards, where there is any.
void LossStatistics::AddBlock(absl::Span<const float> losses, int sign) {
  const XLog2X& table = XLog2X::Table();
  Tallies tallies;
#pragma GCC unroll 4
  for (const float loss : losses) {
    tallies.Add(loss, table);
  }
  for (uint32_t exponent = 1; exponent < kSpecialExponent; ++exponent) {
    AddTally(tallies, exponent, sign);
  }
  bool rare = (tallies[0].fractions() | tallies[kSignTally].fractions()) != 0;  // denormals
  rare |= tallies[kSpecialExponent].count() != 0;
  for (uint32_t index = kSignTally + 1; index < kTallies; ++index) {
    rare |= tallies[index].count() != 0;
  }
  if (!rare) {
    const uint64_t zeros =
        static_cast<uint64_t>(sign) * (tallies[0].count() + tallies[kSignTally].count());
    count_ += zeros;
    histogram_.Add(/*loss=*/0.0f, zeros);
    return;
  }
  for (const float loss : losses) {
    AddRareLoss(loss, sign);
  }
}

// Normal losses with this exponent field.
void LossStatistics::AddTally(const Tallies& tallies, uint32_t biased_exponent, int sign) {
  const Tally tally = tallies[biased_exponent];
  if (tally.count() == 0) {
    return;
  }
  const int shift = static_cast<int>(biased_exponent) - 1;
  count_ += static_cast<uint64_t>(sign) * tally.count();
  sum_.Add(sign * tally.Mantissas(), shift);
  sum_of_squares_.Add(sign * tally.SquaredMantissas(), 2 * shift);
  x_log2_x_.Add(sign * tally.MantissasXLog2X(static_cast<int>(biased_exponent) - kExponentBias),
                shift + kSumUnit - XLog2X::kFractionBits - kXLog2XUnit);
  histogram_.Add(biased_exponent, tallies.Bins(biased_exponent, sign));
}

// Zeros, denormal losses and those to be left out; normal losses have been added by their tally.
void LossStatistics::AddRareLoss(float loss, int sign) {
  const uint64_t one = static_cast<uint64_t>(sign);
  const uint32_t bits = std::bit_cast<uint32_t>(loss);
  const uint32_t exponent = (bits >> kMantissaBits) & kSpecialExponent;
  const uint32_t fraction = bits & kFractionMask;
  const bool negative = (bits >> kMantissaBits) >= kSignTally;
  if (exponent == kSpecialExponent) {
    (fraction != 0 ? excluded_.nan : excluded_.infinite) += one;
  } else if (exponent == 0 && fraction == 0) {
    count_ += one;
    histogram_.Add(/*loss=*/0.0f, one);
  } else if (negative) {
    excluded_.negative += one;
  } else if (exponent == 0) {
    // fraction * 2^-149 with the exponent that it had, were it normal: 1 - normalising.
    const int normalising = std::countl_zero(fraction) - std::countl_zero(kHiddenBit);
    const Tally tally = Tally::OfOne((fraction << normalising) & kFractionMask, XLog2X::Table());
    count_ += one;
    sum_.Add(sign * Int128{fraction}, /*shift=*/0);
    sum_of_squares_.Add(sign * Int128{fraction} * fraction, /*shift=*/0);
    x_log2_x_.Add(sign * tally.MantissasXLog2X(1 - normalising - kExponentBias),
                  kSumUnit - XLog2X::kFractionBits - kXLog2XUnit - normalising);
    histogram_.Add(loss, one);
  }
}

std::string LossStatistics::Serialize() const {
  std::string bytes;
  AppendInteger(bytes, kXLog2XVersion, 4);
  for (const uint64_t number : {count_, excluded_.nan, excluded_.infinite, excluded_.negative}) {
    AppendInteger(bytes, number, 8);
  }
  sum_.AppendTo(bytes);
  sum_of_squares_.AppendTo(bytes);
  x_log2_x_.AppendTo(bytes);
  histogram_.AppendTo(bytes);
  return bytes;
}

absl::StatusOr<LossStatistics> LossStatistics::Parse(std::string_view bytes) {
  const size_t least_size = LossStatistics().Serialize().size();
  if (bytes.size() < 4) {
    return absl::InvalidArgumentError(absl::StrCat("loss statistics of ", bytes.size(),
                                                   " bytes; expected at least ", least_size));
  }
  const size_t size = bytes.size();
  const uint64_t version = TakeInteger(bytes, 4);
  if (version != kXLog2XVersion) {
    return absl::InvalidArgumentError(absl::StrCat("loss statistics of version ", version,
                                                   "; this program has version ", kXLog2XVersion,
                                                   ", and versions do not mix"));
  }
  if (size < least_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("loss statistics of ", size, " bytes; expected at least ", least_size));
  }
  LossStatistics statistics;
  statistics.count_ = TakeInteger(bytes, 8);
  statistics.excluded_.nan = TakeInteger(bytes, 8);
  statistics.excluded_.infinite = TakeInteger(bytes, 8);
  statistics.excluded_.negative = TakeInteger(bytes, 8);
  statistics.sum_ = TakeSum<decltype(sum_)>(bytes);
  statistics.sum_of_squares_ = TakeSum<decltype(sum_of_squares_)>(bytes);
  statistics.x_log2_x_ = TakeSum<decltype(x_log2_x_)>(bytes);
  if (absl::Status status = statistics.CheckConsistency(); !status.ok()) {
    return status;
  }
  absl::StatusOr<LossHistogram> histogram =
      LossHistogram::Parse(bytes, statistics.count_, statistics.sum_);
  if (!histogram.ok()) {
    return histogram.status();
  }
  statistics.histogram_ = *std::move(histogram);
  return statistics;
}

// What every set of losses obeys: 0 <= S1 <= n * the greatest binary32, S2 <= S1^2 <= n * S2.
absl::Status LossStatistics::CheckConsistency() const {
  const BigInteger greatest = BigInteger(2 * kHiddenBit - 1) << (kSpecialExponent - 2);
  const BigInteger first = ToBigInteger(sum_.limbs());
  const BigInteger second = ToBigInteger(sum_of_squares_.limbs());
  if (first < 0 || first > greatest * count_ || second > first * first ||
      first * first > second * count_) {
    return absl::InvalidArgumentError(
        absl::StrCat("loss statistics whose sums contradict each other: count ", count_, ", sum ",
                     RoundToDouble(first, kSumUnit), ", sum of squares ",
                     RoundToDouble(second, kSumOfSquaresUnit)));
  }
  return absl::OkStatus();
}

}  // namespace lehr
