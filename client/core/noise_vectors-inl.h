// The noise in vectors of whatever width the instruction set at hand has (Google Highway): to be
// included once for each of them. The operations of a lane are those of proto/lehr/v1/NOISE.md, by
// the same names as in box_muller.h and philox.h; only their order between lanes is free.
//
// Pairs stand side by side: one vector holds the words of their radii (0 and 2 of each block), one
// those of their directions (1 and 3). The blocks are in an order that makes one interleaving at
// the end put the elements into the order of memory. Four vectors of pairs are a tile.
#if defined(LEHR_CLIENT_CORE_NOISE_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LEHR_CLIENT_CORE_NOISE_VECTORS_INL_H_
#undef LEHR_CLIENT_CORE_NOISE_VECTORS_INL_H_
#else
#define LEHR_CLIENT_CORE_NOISE_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace lehr::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F32>;
using U32 = hn::RebindToUnsigned<F32>;
using U64 = hn::ScalableTag<std::uint64_t>;
using VecF = hn::Vec<F32>;
using VecU = hn::Vec<U32>;
using VecQ = hn::Vec<U64>;

constexpr std::size_t kLanes = hn::MaxLanes(F32());
constexpr std::size_t kGroup = 4 * kLanes;  // Elements of two vectors of pairs.
constexpr std::size_t kTile = 2 * kGroup;
constexpr std::size_t kTilePairs = kTile / 2;

// ---- Section 3: words. The 32-bit words stand in the lower halves of 64-bit lanes; what is in the
// upper halves does not matter.

struct RoundKeys {
  std::uint32_t low[10];
  std::uint32_t high[10];
};

inline RoundKeys MakeRoundKeys(std::uint64_t seed) {
  RoundKeys keys;
  auto low = static_cast<std::uint32_t>(seed);
  auto high = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    keys.low[round] = low;
    keys.high[round] = high;
    low += 0x9E3779B9;
    high += 0xBB67AE85;
  }
  return keys;
}

struct Counters {
  VecU x0, x1, x2, x3;
};

HWY_INLINE Counters MakeCounters(VecQ blocks, std::uint64_t tensor_id) {
  const U32 d;
  return {hn::BitCast(d, blocks), hn::BitCast(d, hn::ShiftRight<32>(blocks)),
          hn::Set(d, static_cast<std::uint32_t>(tensor_id)),
          hn::Set(d, static_cast<std::uint32_t>(tensor_id >> 32))};
}

HWY_INLINE void PhiloxRound(Counters& c, VecU key_low, VecU key_high) {
  const U32 d;
  const VecQ product0 = hn::MulEven(c.x0, hn::Set(d, 0xD2511F53u));
  const VecQ product1 = hn::MulEven(c.x2, hn::Set(d, 0xCD9E8D57u));
  c.x0 = hn::Xor3(hn::BitCast(d, hn::ShiftRight<32>(product1)), c.x1, key_low);
  c.x1 = hn::BitCast(d, product1);
  c.x2 = hn::Xor3(hn::BitCast(d, hn::ShiftRight<32>(product0)), c.x3, key_high);
  c.x3 = hn::BitCast(d, product0);
}

// In each 64-bit lane the lower half of both.
HWY_INLINE VecU MergeLowerHalves(VecU even, VecU odd) {
#if HWY_TARGET <= HWY_AVX3
  return hn::OddEven(hn::DupEven(odd), even);
#else
  return hn::OddEven(hn::BitCast(U32(), hn::ShiftLeft<32>(hn::BitCast(U64(), odd))), even);
#endif
}

// ---- Sections 4 and 5: from words to numbers.

HWY_INLINE VecF Constant(float value) { return hn::Set(F32(), value); }

// a * b + c with two roundings.
HWY_INLINE VecF MulThenAdd(VecF a, VecF b, VecF c) { return hn::Add(hn::Mul(a, b), c); }

HWY_INLINE VecF WithUpperHalf(std::uint32_t upper, VecU lower) {
  const hn::RepartitionToNarrow<U32> halves;
  const auto upper_halves = hn::BitCast(halves, hn::Set(U32(), upper << 16));
  return hn::BitCast(F32(), hn::OddEven(upper_halves, hn::BitCast(halves, lower)));
}

HWY_INLINE VecF RoundedFromUnsigned(VecU word) {
#if HWY_TARGET <= HWY_AVX3
  return hn::ConvertTo(F32(), word);
#else
  // The halves as the last bits of 2^39 and 2^23; the difference is exact, the sum rounds once.
  const VecF high = WithUpperHalf(0x5300, hn::ShiftRight<16>(word));
  const VecF low = WithUpperHalf(0x4B00, word);
  return hn::Add(hn::Sub(high, Constant(0x1p39f + 0x1p23f)), low);
#endif
}

struct Pair {
  VecF cosine, sine;
};

// Exchanged where bit 30 of the direction's word is 1.
HWY_INLINE Pair ExchangeInOddQuadrants(Pair p, VecU b) {
#if HWY_TARGET <= HWY_AVX3
  const auto odd = hn::RebindMask(F32(), hn::TestBit(b, hn::Set(U32(), 1u << 30)));
  return {hn::IfThenElse(odd, p.sine, p.cosine), hn::IfThenElse(odd, p.cosine, p.sine)};
#else
  // As integers, because as a float the bits might be a NaN, which is not negative.
  const I32 i;
  const auto odd = hn::BitCast(i, hn::ShiftLeft<1>(b));
  const auto cosine = hn::BitCast(i, p.cosine);
  const auto sine = hn::BitCast(i, p.sine);
  return {hn::BitCast(F32(), hn::IfNegativeThenElse(odd, sine, cosine)),
          hn::BitCast(F32(), hn::IfNegativeThenElse(odd, cosine, sine))};
#endif
}

// Of several vectors side by side. Each operation of a polynomial waits for the one before it: the
// CPU is busy only if there are eight polynomials to alternate between.
template <std::size_t kVectors>
using Floats = VecF[kVectors];

// h = h * x + c for all of them.
template <std::size_t kVectors>
HWY_INLINE void HornerStep(Floats<kVectors>& h, const Floats<kVectors>& x, float c) {
  for (std::size_t j = 0; j < kVectors; ++j) {
    h[j] = MulThenAdd(h[j], x[j], Constant(c));
  }
}

// Writes the bits of the radii over their words.
template <std::size_t kVectors>
HWY_INLINE void MakeRadii(std::uint32_t* words) {
  const U32 u;
  const I32 i;
  Floats<kVectors> k, n, h;
  for (std::size_t j = 0; j < kVectors; ++j) {
    const VecU a = hn::Load(u, words + j * kLanes);
    const VecF f = RoundedFromUnsigned(hn::Max(a, hn::Set(u, 1)));
    const auto e = hn::BitCast(i, hn::Sub(hn::BitCast(u, f), hn::Set(u, 0x4F2AAAAB)));
    k[j] = hn::ConvertTo(F32(), hn::ShiftRight<23>(e));
    const auto d_bits = hn::Add(hn::And(e, hn::Set(i, 0x007FFFFF)), hn::Set(i, 0x3FAAAAAB));
    n[j] = hn::Sub(Constant(2.0f), hn::BitCast(F32(), d_bits));
    h[j] = Constant(0x1.4d56cep-10f);
  }
  HornerStep<kVectors>(h, n, 0x1.5fb248p-9f);
  HornerStep<kVectors>(h, n, 0x1.4c261p-8f);
  HornerStep<kVectors>(h, n, 0x1.954278p-7f);
  HornerStep<kVectors>(h, n, 0x1.0037fep-5f);
  HornerStep<kVectors>(h, n, 0x1.556148p-4f);
  HornerStep<kVectors>(h, n, 0x1.ffff1ep-3f);
  for (std::size_t j = 0; j < kVectors; ++j) {
    const VecF p = hn::Add(n[j], hn::Mul(hn::Mul(n[j], n[j]), h[j]));
    const VecF g = hn::Add(hn::Mul(k[j], Constant(-0x1.62e4p+0f)),
                           MulThenAdd(k[j], Constant(-0x1.7f7d1cp-19f), p));
    hn::Store(hn::BitCast(u, hn::Sqrt(g)), u, words + j * kLanes);
  }
}

// Neighbouring elements.
using Tile = VecF[8];

// From the bits of the radii and the words of the directions.
HWY_INLINE void MakeTile(const std::uint32_t* radii, const std::uint32_t* directions, Tile& tile) {
  constexpr std::size_t kVectors = 4;
  const F32 f;
  const U32 u;
  Floats<kVectors> t, s, x, y;
  for (std::size_t j = 0; j < kVectors; ++j) {
    const VecU b = hn::Load(u, directions + j * kLanes);
    const auto fraction = hn::BitCast(I32(), hn::ShiftLeft<2>(b));
    t[j] = hn::Mul(hn::ConvertTo(f, fraction), Constant(0x1p-32f));
    s[j] = hn::Mul(t[j], t[j]);
    y[j] = Constant(-0x1.2ef85p-8f);
    x[j] = Constant(0x1.d47d46p-11f);
  }
  HornerStep<kVectors>(y, s, 0x1.4668e6p-4f);
  HornerStep<kVectors>(x, s, -0x1.55b146p-6f);
  HornerStep<kVectors>(y, s, -0x1.4abbe6p-1f);
  HornerStep<kVectors>(x, s, 0x1.03c1aep-2f);
  HornerStep<kVectors>(y, s, 0x1.921fb6p+0f);
  HornerStep<kVectors>(x, s, -0x1.3bd3ccp+0f);
  HornerStep<kVectors>(x, s, 1.0f);
  for (std::size_t j = 0; j < kVectors; ++j) {
    const VecU b = hn::Load(u, directions + j * kLanes);
    const Pair direction = ExchangeInOddQuadrants({x[j], hn::Mul(y[j], t[j])}, b);
    const VecF radius = hn::BitCast(f, hn::Load(u, radii + j * kLanes));
    const VecF r = hn::CopySignToAbs(radius, hn::BitCast(f, b));
    const VecF cosine = hn::Mul(r, direction.cosine);
    const VecF sine = hn::Mul(r, direction.sine);
    tile[2 * j] = hn::InterleaveLower(f, cosine, sine);
    tile[2 * j + 1] = hn::InterleaveUpper(f, cosine, sine);
  }
}

// ---- Many tiles.

// Two vectors of pairs, the second one's elements behind the first one's.
struct GroupWords {
  VecU radii[2];
  VecU directions[2];
};

// The words of one group after another.
class WordMaker {
 public:
  WordMaker(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_block)
      : keys_(MakeRoundKeys(seed)), tensor_id_(tensor_id) {
    HWY_ALIGN std::uint64_t blocks[kBlocks];
    for (std::size_t lane = 0; lane < kBlocks; ++lane) {
      blocks[lane] = first_block + lane % 2 * (kBlocks / 2) + lane / 2;
    }
    first_ = hn::Load(U64(), blocks);
    second_ = hn::Add(first_, hn::Set(U64(), kBlocks));
  }

  HWY_INLINE GroupWords Next() {
    Counters first = MakeCounters(first_, tensor_id_);
    Counters second = MakeCounters(second_, tensor_id_);
    for (int round = 0; round < 10; ++round) {
      const VecU key_low = hn::Set(U32(), keys_.low[round]);
      const VecU key_high = hn::Set(U32(), keys_.high[round]);
      PhiloxRound(first, key_low, key_high);
      PhiloxRound(second, key_low, key_high);
    }
    const VecQ step = hn::Set(U64(), 2 * kBlocks);
    first_ = hn::Add(first_, step);
    second_ = hn::Add(second_, step);
    return {{MergeLowerHalves(first.x0, first.x2), MergeLowerHalves(second.x0, second.x2)},
            {MergeLowerHalves(first.x1, first.x3), MergeLowerHalves(second.x1, second.x3)}};
  }

 private:
  static constexpr std::size_t kBlocks = kLanes / 2;  // Of a vector of pairs.

  RoundKeys keys_;
  std::uint64_t tensor_id_;
  VecQ first_, second_;  // Blocks of the next group.
};

// What several tiles are made of. Words, radii and directions have a loop each: in each of them the
// CPU finds enough that is independent, and enough registers.
class TileBatch {
 public:
  // So many that the beginning of a loop does not matter, and so few that all stays in the
  // first-level cache.
  static constexpr std::size_t kMaxTiles = 32;

  HWY_NOINLINE void Prepare(WordMaker& maker, std::size_t tiles) {
    MakeWords(maker, tiles);
    std::size_t tile = 0;
    for (; tile + 2 <= tiles; tile += 2) {
      MakeRadii<8>(radii_ + tile * kTilePairs);
    }
    if (tile < tiles) {
      MakeRadii<4>(radii_ + tile * kTilePairs);
    }
  }

  HWY_INLINE void Make(std::size_t i, Tile& tile) const {
    MakeTile(radii_ + i * kTilePairs, directions_ + i * kTilePairs, tile);
  }

 private:
  HWY_INLINE void MakeWords(WordMaker& maker, std::size_t tiles) {
    const U32 d;
    WordMaker in_registers = maker;
    for (std::size_t i = 0; i < tiles * kTilePairs; i += 2 * kLanes) {
      const GroupWords words = in_registers.Next();
      hn::Store(words.radii[0], d, radii_ + i);
      hn::Store(words.radii[1], d, radii_ + i + kLanes);
      hn::Store(words.directions[0], d, directions_ + i);
      hn::Store(words.directions[1], d, directions_ + i + kLanes);
    }
    maker = in_registers;
  }

  HWY_ALIGN std::uint32_t radii_[kMaxTiles * kTilePairs];  // Words at first, then bits.
  HWY_ALIGN std::uint32_t directions_[kMaxTiles * kTilePairs];
};

HWY_INLINE void Store(const Tile& tile, float* out) {
  for (std::size_t i = 0; i < 8; ++i) {
    hn::StoreU(tile[i], F32(), out + i * kLanes);
  }
}

}  // namespace lehr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
