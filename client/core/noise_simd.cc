// Filling and updating in vectors, compiled once for each instruction set; Google Highway picks one
// at run time.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "client/core/float_environment.h"
#include "client/core/half_floats.h"
#include "client/core/noise.h"
#include "client/core/noise_reference.h"
#include "client/core/noise_targets.h"
#include "client/core/noise_update.h"
#include "client/core/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "client/core/noise_simd.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#if HWY_TARGET != HWY_SCALAR
#include "client/core/noise_vectors-inl.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace lehr::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

// What the compiler may assume of every CPU is too little for vectors.
void FillNoiseVectors(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_index,
                      absl::Span<float> out) {
  reference::FillNoise(seed, tensor_id, first_index, out);
}

template <typename Element>
UpdateCounts UpdateVectors(const NoiseUpdate& update, std::uint64_t first_index,
                           absl::Span<Element> values) {
  return reference::UpdateRange(update, first_index, values);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using U16 = hn::Rebind<std::uint16_t, U32>;
using F64 = hn::ScalableTag<double>;

HWY_NOINLINE void FillTiles(const TileBatch& batch, std::size_t tiles, float* out) {
  for (std::size_t i = 0; i < tiles; ++i) {
    Tile tile;
    batch.Make(i, tile);
    Store(tile, out + i * kTile);
  }
}

void FillNoiseVectors(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_index,
                      absl::Span<float> out) {
  const std::size_t to_block =
      std::min<std::size_t>(-first_index % reference::kBlockSize, out.size());
  reference::FillNoise(seed, tensor_id, first_index, out.first(to_block));
  out.remove_prefix(to_block);
  WordMaker maker(seed, tensor_id, (first_index + to_block) / reference::kBlockSize);
  TileBatch batch;
  while (out.size() >= kTile) {
    const std::size_t tiles = std::min(out.size() / kTile, TileBatch::kMaxTiles);
    batch.Prepare(maker, tiles);
    FillTiles(batch, tiles, out.data());
    out.remove_prefix(tiles * kTile);
  }
  if (!out.empty()) {
    float rest[kTile];
    batch.Prepare(maker, 1);
    FillTiles(batch, 1, rest);
    std::copy_n(rest, out.size(), out.begin());
  }
}

// ---- Section 7: infinite and NaN elements stay. In vectors of `Lane`, an element is one of them
// if its bits in kMask, read as a number, are not below kLimit.

template <typename Element>
struct NonFiniteBits;

template <>
struct NonFiniteBits<float> {
  using Lane = std::int32_t;
  static constexpr std::uint64_t kMask = 0x7FFFFFFF7FFFFFFF;
  static constexpr Lane kLimit = 0x7F800000;
};
template <>
struct NonFiniteBits<double> {
  using Lane = std::int32_t;
  static constexpr std::uint64_t kMask = 0x7FFFFFFF00000000;
  static constexpr Lane kLimit = 0x7FF00000;
};
template <>
struct NonFiniteBits<Bfloat16> {
  using Lane = std::int16_t;
  static constexpr std::uint64_t kMask = 0x7FFF7FFF7FFF7FFF;
  static constexpr Lane kLimit = 0x7F80;
};
template <>
struct NonFiniteBits<Float16> {
  using Lane = std::int16_t;
  static constexpr std::uint64_t kMask = 0x7FFF7FFF7FFF7FFF;
  static constexpr Lane kLimit = 0x7C00;
};

template <typename Element>
HWY_INLINE bool AllFinite(const Element* values, std::size_t tiles) {
  using Lane = typename NonFiniteBits<Element>::Lane;
  constexpr std::size_t kTileLanes = kTile * sizeof(Element) / sizeof(Lane);
  const hn::ScalableTag<Lane> d;
  const auto mask = hn::BitCast(d, hn::Set(U64(), NonFiniteBits<Element>::kMask));
  const auto* lanes = reinterpret_cast<const Lane*>(values);
  auto greatest = hn::Zero(d);
  for (std::size_t tile = 0; tile < tiles; ++tile, lanes += kTileLanes) {
    for (std::size_t i = 0; i < kTileLanes; i += hn::MaxLanes(d)) {  // So few that it is unrolled.
      greatest = hn::Max(greatest, hn::And(hn::LoadU(d, lanes + i), mask));
    }
  }
  return hn::AllTrue(d, hn::Lt(greatest, hn::Set(d, NonFiniteBits<Element>::kLimit)));
}

// ---- The update of a tile, all of whose elements are finite.

struct Factors {
  VecF shrink, sigma;
};

HWY_INLINE VecF Updated(VecF theta, VecF z, const Factors& factors) {
  return hn::Add(hn::Mul(factors.shrink, theta), hn::Mul(factors.sigma, z));
}

HWY_INLINE void UpdateTile(float* values, const Tile& tile, const Factors& factors, UpdateCounts&) {
  const F32 f;
  for (std::size_t i = 0; i < 8; ++i) {
    float* at = values + i * kLanes;
    hn::StoreU(Updated(hn::LoadU(f, at), tile[i], factors), f, at);
  }
}

HWY_INLINE void UpdateTile(double* values, const Tile& tile, const Factors& factors,
                           UpdateCounts&) {
  const F64 d;
  const hn::Rebind<float, F64> half;
  constexpr std::size_t kHalf = kLanes / 2;
  const auto shrink = hn::PromoteTo(d, hn::LowerHalf(half, factors.shrink));
  const auto sigma = hn::PromoteTo(d, hn::LowerHalf(half, factors.sigma));
  const auto update = [&](double* at, hn::Vec<hn::Rebind<float, F64>> z) HWY_ATTR {
    const auto kept = hn::Mul(shrink, hn::LoadU(d, at));
    hn::StoreU(hn::Add(kept, hn::Mul(sigma, hn::PromoteTo(d, z))), d, at);
  };
  for (std::size_t i = 0; i < 8; ++i) {
    update(values + 2 * i * kHalf, hn::LowerHalf(half, tile[i]));
    update(values + (2 * i + 1) * kHalf, hn::UpperHalf(half, tile[i]));
  }
}

HWY_INLINE VecU Widened(Bfloat16, VecU bits) { return hn::ShiftLeft<16>(bits); }

HWY_INLINE VecU Narrowed(Bfloat16, VecU bits) {
  const U32 u;
  const VecU odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 1));
  return hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(u, 0x7FFF))));
}

HWY_INLINE VecU Widened(Float16, VecU bits) {
  const U32 u;
  const VecU sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(u, 0x8000)));
  const VecU rest = hn::ShiftLeft<13>(hn::And(bits, hn::Set(u, 0x7FFF)));
  const VecF magnitude = hn::Mul(hn::BitCast(F32(), rest), Constant(0x1p112f));
  return hn::Or(sign, hn::BitCast(u, magnitude));
}

HWY_INLINE VecU Narrowed(Float16, VecU bits) {
  const U32 u;
  const VecU magnitude = hn::And(bits, hn::Set(u, 0x7FFFFFFF));
  const VecF sum = hn::Add(hn::BitCast(F32(), magnitude), Constant(0.5f));
  const VecU subnormal = hn::Sub(hn::BitCast(u, sum), hn::Set(u, 0x3F000000));
  const VecU odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(u, 1));
  const VecU biased = hn::Sub(magnitude, hn::Set(u, (112u << 23) - 0xFFF));
  const VecU normal = hn::ShiftRight<13>(hn::Add(biased, odd));
  const VecU finite = hn::IfThenElse(hn::Lt(magnitude, hn::Set(u, 0x38800000)), subnormal, normal);
  const VecU rounded =
      hn::IfThenElse(hn::Lt(magnitude, hn::Set(u, 0x477FF000)), finite, hn::Set(u, 0x7C00));
  return hn::Or(rounded, hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 0x8000)));
}

template <typename Half>
HWY_INLINE void UpdateTile(Half* values, const Tile& tile, const Factors& factors,
                           UpdateCounts& counts) {
  const U32 u;
  const U16 halves;
  for (std::size_t i = 0; i < 8; ++i) {
    auto* at = reinterpret_cast<std::uint16_t*>(values + i * kLanes);
    const VecU theta = hn::PromoteTo(u, hn::LoadU(halves, at));
    const VecF wide = hn::BitCast(F32(), Widened(Half(), theta));
    const VecU updated = Narrowed(Half(), hn::BitCast(u, Updated(wide, tile[i], factors)));
    counts.unchanged += hn::CountTrue(u, hn::Eq(updated, theta));
    hn::StoreU(hn::DemoteTo(halves, hn::BitCast(I32(), updated)), halves, at);
  }
}

template <typename Element>
HWY_NOINLINE void UpdateTiles(const TileBatch& batch, std::size_t tiles, const NoiseUpdate& update,
                              Element* values, UpdateCounts& counts) {
  const Factors factors = {Constant(update.shrink), Constant(update.sigma)};
  for (std::size_t i = 0; i < tiles; ++i) {
    Tile tile;
    batch.Make(i, tile);
    UpdateTile(values + i * kTile, tile, factors, counts);
  }
  counts.perturbed += tiles * kTile;
}

template <typename Element>
UpdateCounts UpdateVectors(const NoiseUpdate& update, std::uint64_t first_index,
                           absl::Span<Element> values) {
  const std::size_t to_block =
      std::min<std::size_t>(-first_index % reference::kBlockSize, values.size());
  UpdateCounts counts = reference::UpdateRange(update, first_index, values.first(to_block));
  first_index += to_block;
  values.remove_prefix(to_block);
  WordMaker maker(update.seed, update.tensor_id, first_index / reference::kBlockSize);
  TileBatch batch;
  while (values.size() >= kTile) {
    const std::size_t tiles = std::min(values.size() / kTile, TileBatch::kMaxTiles);
    batch.Prepare(maker, tiles);
    if (HWY_LIKELY(AllFinite(values.data(), tiles))) {
      UpdateTiles(batch, tiles, update, values.data(), counts);
    } else {
      counts += reference::UpdateRange(update, first_index, values.first(tiles * kTile));
    }
    first_index += tiles * kTile;
    values.remove_prefix(tiles * kTile);
  }
  if (!values.empty()) {
    float z[kTile];
    batch.Prepare(maker, 1);
    FillTiles(batch, 1, z);
    for (std::size_t i = 0; i < values.size(); ++i) {
      reference::UpdateElement(values[i], z[i], update, counts);
    }
  }
  return counts;
}

#endif

const char* RunningTarget() { return hwy::TargetName(HWY_TARGET); }

UpdateCounts UpdateFloats(const NoiseUpdate& update, std::uint64_t first_index,
                          absl::Span<float> values) {
  return UpdateVectors(update, first_index, values);
}
UpdateCounts UpdateDoubles(const NoiseUpdate& update, std::uint64_t first_index,
                           absl::Span<double> values) {
  return UpdateVectors(update, first_index, values);
}
UpdateCounts UpdateBfloat16s(const NoiseUpdate& update, std::uint64_t first_index,
                             absl::Span<Bfloat16> values) {
  return UpdateVectors(update, first_index, values);
}
UpdateCounts UpdateFloat16s(const NoiseUpdate& update, std::uint64_t first_index,
                            absl::Span<Float16> values) {
  return UpdateVectors(update, first_index, values);
}

}  // namespace lehr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lehr {

HWY_EXPORT(RunningTarget);
HWY_EXPORT(FillNoiseVectors);
HWY_EXPORT(UpdateFloats);
HWY_EXPORT(UpdateDoubles);
HWY_EXPORT(UpdateBfloat16s);
HWY_EXPORT(UpdateFloat16s);

float NoiseAt(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t index) {
  float z = 0;
  FillNoise(seed, tensor_id, index, absl::MakeSpan(&z, 1));
  return z;
}

void FillNoise(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_index,
               absl::Span<float> out) {
  const ScopedFloatEnvironment environment;
  HWY_DYNAMIC_DISPATCH(FillNoiseVectors)(seed, tensor_id, first_index, out);
}

UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<float> values) {
  return HWY_DYNAMIC_DISPATCH(UpdateFloats)(update, first_index, values);
}

UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<double> values) {
  return HWY_DYNAMIC_DISPATCH(UpdateDoubles)(update, first_index, values);
}

UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<Bfloat16> values) {
  return HWY_DYNAMIC_DISPATCH(UpdateBfloat16s)(update, first_index, values);
}

UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<Float16> values) {
  return HWY_DYNAMIC_DISPATCH(UpdateFloat16s)(update, first_index, values);
}

namespace {

// Of a set of Highway's targets, the best first.
std::vector<std::string> NamesOf(std::int64_t targets) {
  std::vector<std::string> names;
  for (; targets != 0; targets &= targets - 1) {
    names.emplace_back(hwy::TargetName(targets & -targets));
  }
  return names;
}

}  // namespace

std::vector<std::string> NoiseTargets() {
  hwy::SetSupportedTargetsForTest(0);
  return NamesOf(hwy::SupportedTargets() & HWY_TARGETS);
}

std::vector<std::string> BuiltNoiseTargets() { return NamesOf(HWY_TARGETS); }

std::string RunningNoiseTarget() { return HWY_DYNAMIC_DISPATCH(RunningTarget)(); }

bool UseNoiseTarget(std::string_view name) {
  hwy::SetSupportedTargetsForTest(0);
  std::int64_t chosen = hwy::SupportedTargets();
  if (!name.empty()) {
    const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
    const auto found = std::find_if(targets.begin(), targets.end(), [&](std::int64_t target) {
      return name == hwy::TargetName(target);
    });
    if (found == targets.end()) {
      return false;
    }
    chosen = *found;
  }
  hwy::GetChosenTarget().Update(chosen);
  return true;
}

}  // namespace lehr
#endif
