#include "server/core/loss_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/core/little_endian.h"

namespace lehr {
namespace {

constexpr int kMantissaBits = 23;
constexpr uint32_t kMantissasOfBin = 1 << (kMantissaBits - LossHistogram::kFractionBits);
constexpr size_t kHeaderBytes = 2;
constexpr size_t kBinBytes = 2 + 8 + 8;

// The least mantissa of a bin; the greatest is kMantissasOfBin - 1 above it.
uint32_t LeastMantissa(uint32_t exponent, uint32_t bin) {
  return (exponent == 0 ? 0 : 1u << kMantissaBits) + bin * kMantissasOfBin;
}

// What a mantissa of 1 is worth, as a power of two; denormals have the unit of exponent 1.
int UnitExponent(uint32_t exponent) { return std::max(static_cast<int>(exponent), 1) - 150; }

// ceil(count * tenths / 10): at least 1 where there are losses.
uint64_t RankOf(uint64_t count, uint64_t tenths) {
  return count / 10 * tenths + (count % 10 * tenths + 9) / 10;
}

// Quotient and rest apart, so that the mean of equal losses is that loss.
double MeanOf(uint32_t exponent, const LossBin& bin) {
  const uint64_t quotient = bin.mantissas / bin.count;
  const uint64_t rest = bin.mantissas % bin.count;
  const double mantissa =
      static_cast<double>(quotient) + static_cast<double>(rest) / static_cast<double>(bin.count);
  return std::ldexp(mantissa, UnitExponent(exponent));
}

}  // namespace

void LossHistogram::Add(uint32_t exponent, const Bins& bins) {
  const auto found = exponents_.try_emplace(static_cast<uint8_t>(exponent)).first;
  Bins& own = found->second;
  for (uint32_t i = 0; i < kBinsOfExponent; ++i) {
    own[i].count += bins[i].count;
    own[i].mantissas += bins[i].mantissas;
  }
  if (own == Bins()) {
    exponents_.erase(found);
  }
}

void LossHistogram::Add(float loss, uint64_t times) {
  const auto bits = std::bit_cast<uint32_t>(loss);
  const uint32_t exponent = bits >> kMantissaBits;
  const uint32_t bin = IndexOf(bits) % kBinsOfExponent;
  const uint64_t mantissa = LeastMantissa(exponent, bin) + bits % kMantissasOfBin;
  Bins bins;
  bins[bin] = {.count = times, .mantissas = times * mantissa};
  Add(exponent, bins);
}

void LossHistogram::Merge(const LossHistogram& other) {
  for (const auto& [exponent, bins] : other.exponents_) {
    Add(exponent, bins);
  }
}

LossQuantiles LossHistogram::Quantiles() const {
  uint64_t count = 0;
  for (const auto& [exponent, bins] : exponents_) {
    for (const LossBin& bin : bins) {
      count += bin.count;
    }
  }
  if (count == 0) {
    return {};
  }
  return {.p10 = MeanAt(RankOf(count, 1)),
          .p50 = MeanAt(RankOf(count, 5)),
          .p90 = MeanAt(RankOf(count, 9))};
}

// Of the bin that holds the loss of this rank, if the losses were in ascending order from 1 on.
double LossHistogram::MeanAt(uint64_t rank) const {
  for (const auto& [exponent, bins] : exponents_) {
    for (const LossBin& bin : bins) {
      if (rank <= bin.count) {
        return MeanOf(exponent, bin);
      }
      rank -= bin.count;
    }
  }
  return 0;
}

void LossHistogram::AppendTo(std::string& bytes) const {
  std::string appended;
  for (const auto& [exponent, bins] : exponents_) {
    for (uint32_t i = 0; i < kBinsOfExponent; ++i) {
      if (bins[i] != LossBin()) {
        AppendInteger(appended, exponent * kBinsOfExponent + i, 2);
        AppendInteger(appended, bins[i].count, 8);
        AppendInteger(appended, bins[i].mantissas, 8);
      }
    }
  }
  AppendInteger(bytes, appended.size() / kBinBytes, kHeaderBytes);
  bytes += appended;
}

absl::StatusOr<LossHistogram> LossHistogram::Parse(std::string_view bytes, uint64_t count,
                                                   const ExactSum<6>& sum) {
  const size_t size = bytes.size();
  const uint64_t bins = size < kHeaderBytes ? 0 : TakeInteger(bytes, kHeaderBytes);
  if (const size_t expected = kHeaderBytes + kBinBytes * bins; size != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("a loss histogram of ", size, " bytes; expected ", expected));
  }
  LossHistogram histogram;
  uint64_t losses_left = count;
  ExactSum<6> sum_of_bins;
  int64_t previous = -1;
  while (!bytes.empty()) {
    const auto index = static_cast<uint32_t>(TakeInteger(bytes, 2));
    const LossBin bin = {.count = TakeInteger(bytes, 8), .mantissas = TakeInteger(bytes, 8)};
    const uint32_t exponent = index / kBinsOfExponent;
    const uint32_t place = index % kBinsOfExponent;
    const UInt128 least = UInt128{bin.count} * LeastMantissa(exponent, place);
    const UInt128 greatest = least + UInt128{bin.count} * (kMantissasOfBin - 1);
    if (index <= previous || exponent >= kExponents || bin.count == 0 || bin.count > losses_left ||
        bin.mantissas < least || bin.mantissas > greatest) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a loss histogram that no losses have: bin ", index, " after bin ", previous, " holds ",
          bin.count, " of ", losses_left, " losses with a sum of mantissas of ", bin.mantissas));
    }
    Bins of_exponent;
    of_exponent[place] = bin;
    histogram.Add(exponent, of_exponent);
    losses_left -= bin.count;
    sum_of_bins.Add(Int128{bin.mantissas}, UnitExponent(exponent) + 149);
    previous = index;
  }
  if (losses_left > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a loss histogram that lacks ", losses_left, " of ", count, " losses"));
  }
  if (sum_of_bins != sum) {
    return absl::InvalidArgumentError("a loss histogram of other losses than those of the sum");
  }
  return histogram;
}

}  // namespace lehr
