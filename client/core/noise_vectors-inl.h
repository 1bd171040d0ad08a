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
constexpr std::size_t kTile = 8 * kLanes;
constexpr std::size_t kTilePairs = kTile / 2;

// Vectors of pairs whose words are made at once. Each operation of a round waits for the one before
// it: two keep the CPU waiting, but four need more than 16 registers.
constexpr std::size_t kGroupVectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;
constexpr std::size_t kGroup = 2 * kGroupVectors * kLanes;

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

// An array, not a struct: a constructor that GCC makes by itself lacks NEON.
using Counters = VecU[4];

HWY_INLINE VecQ Product0(const Counters& c) {
  return hn::MulEven(c[0], hn::Set(U32(), 0xD2511F53u));
}

HWY_INLINE VecQ Product1(const Counters& c) {
  return hn::MulEven(c[2], hn::Set(U32(), 0xCD9E8D57u));
}

HWY_INLINE void PhiloxRound(Counters& c, VecU key_low, VecU key_high) {
  const U32 d;
  const VecQ product0 = Product0(c);
  const VecQ product1 = Product1(c);
  c[0] = hn::Xor3(hn::BitCast(d, hn::ShiftRight<32>(product1)), c[1], key_low);
  c[1] = hn::BitCast(d, product1);
  c[2] = hn::Xor3(hn::BitCast(d, hn::ShiftRight<32>(product0)), c[3], key_high);
  c[3] = hn::BitCast(d, product0);
}

// In each 64-bit lane the lower half of both.
HWY_INLINE VecU MergeLowerHalves(VecU even, VecU odd) {
#if HWY_TARGET <= HWY_AVX3
  return hn::OddEven(hn::DupEven(odd), even);
#else
  return hn::OddEven(hn::BitCast(U32(), hn::ShiftLeft<32>(hn::BitCast(U64(), odd))), even);
#endif
}

// In each 64-bit lane the upper half of both.
HWY_INLINE VecU MergeUpperHalves(VecU even, VecU odd) {
#if HWY_TARGET <= HWY_AVX3
  return hn::OddEven(odd, hn::DupOdd(even));
#else
  return hn::OddEven(odd, hn::BitCast(U32(), hn::ShiftRight<32>(hn::BitCast(U64(), even))));
#endif
}

struct PairWords {
  VecU radii, directions;
};

// The last round. In each 64-bit lane of the radii are words 0 and 2, of the directions 1 and 3.
HWY_INLINE PairWords LastPhiloxRound(const Counters& c, VecU keys) {
  const U32 d;
  const VecU product0 = hn::BitCast(d, Product0(c));
  const VecU product1 = hn::BitCast(d, Product1(c));
  return {hn::Xor3(MergeUpperHalves(product1, product0), MergeLowerHalves(c[1], c[3]), keys),
          MergeLowerHalves(product1, product0)};
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

// Writes the bits of g, the squares of the radii, over their words.
template <std::size_t kVectors>
HWY_INLINE void MakeSquares(std::uint32_t* words) {
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
    hn::Store(hn::BitCast(u, g), u, words + j * kLanes);
  }
}

// Neighbouring elements.
using Tile = VecF[8];

// From the bits of the squares and the words of the directions. The roots are taken here, because
// the CPU is slow at them and has other things to do meanwhile.
HWY_INLINE void MakeTile(const std::uint32_t* squares, const std::uint32_t* directions,
                         Tile& tile) {
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
    const VecF radius = hn::Sqrt(hn::BitCast(f, hn::Load(u, squares + j * kLanes)));
    const VecF r = hn::CopySignToAbs(radius, hn::BitCast(f, b));
    const VecF cosine = hn::Mul(r, direction.cosine);
    const VecF sine = hn::Mul(r, direction.sine);
    tile[2 * j] = hn::InterleaveLower(f, cosine, sine);
    tile[2 * j + 1] = hn::InterleaveUpper(f, cosine, sine);
  }
}

// ---- Many tiles.

// The words of one group after another.
class WordMaker {
 public:
  WordMaker(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_block)
      : keys_(MakeRoundKeys(seed)), tensor_id_(tensor_id), next_(first_block) {
    HWY_ALIGN std::uint64_t blocks[kBlocks];
    for (std::size_t lane = 0; lane < kBlocks; ++lane) {
      blocks[lane] = lane % 2 * (kBlocks / 2) + lane / 2;
    }
    lanes_ = hn::Load(U64(), blocks);
  }

  // Writes kGroup / 2 words of radii and as many of directions for each group.
  HWY_INLINE void Make(std::size_t groups, std::uint32_t* radii, std::uint32_t* directions) {
    const std::uint64_t last = next_ + groups * kGroupVectors * kBlocks - 1;
    if (HWY_LIKELY(last >> 32 == next_ >> 32)) {
      MakeGroups</*kSameUpperHalf=*/true>(groups, radii, directions);
    } else {
      MakeGroups</*kSameUpperHalf=*/false>(groups, radii, directions);
    }
    next_ = last + 1;
  }

 private:
  static constexpr std::size_t kBlocks = kLanes / 2;  // Of a vector of pairs.

  // kSameUpperHalf: of the numbers of all blocks. The compiler then sees that part of the first two
  // rounds is the same for all, and does it once.
  template <bool kSameUpperHalf>
  HWY_INLINE void MakeGroups(std::size_t groups, std::uint32_t* radii,
                             std::uint32_t* directions) const {
    const U32 d;
    const U64 q;
    const RoundKeys keys = keys_;  // Which no store changes.
    const VecU last_keys = hn::OddEven(hn::Set(d, keys.high[9]), hn::Set(d, keys.low[9]));
    const VecU upper_half = hn::Set(d, static_cast<std::uint32_t>(next_ >> 32));
    const VecU id_low = hn::Set(d, static_cast<std::uint32_t>(tensor_id_));
    const VecU id_high = hn::Set(d, static_cast<std::uint32_t>(tensor_id_ >> 32));
    VecQ blocks = hn::Add(lanes_, hn::Set(q, next_));
    for (std::size_t i = 0; i < groups * kGroup / 2; i += kGroup / 2) {
      Counters c[kGroupVectors];
      for (Counters& of_vector : c) {
        of_vector[0] = hn::BitCast(d, blocks);
        of_vector[1] = kSameUpperHalf ? upper_half : hn::BitCast(d, hn::ShiftRight<32>(blocks));
        of_vector[2] = id_low;
        of_vector[3] = id_high;
        blocks = hn::Add(blocks, hn::Set(q, kBlocks));
      }
      for (int round = 0; round < 9; ++round) {
        for (Counters& of_vector : c) {
          PhiloxRound(of_vector, hn::Set(d, keys.low[round]), hn::Set(d, keys.high[round]));
        }
      }
      for (std::size_t j = 0; j < kGroupVectors; ++j) {
        const PairWords words = LastPhiloxRound(c[j], last_keys);
        hn::StoreU(words.radii, d, radii + i + j * kLanes);
        hn::StoreU(words.directions, d, directions + i + j * kLanes);
      }
    }
  }

  RoundKeys keys_;
  std::uint64_t tensor_id_;
  std::uint64_t next_;  // The next group's first block.
  VecQ lanes_;          // Which of its blocks each lane of its first vector has.
};

// What several tiles are made of. Words, squares and directions have a loop each: in each of them
// the CPU finds enough that is independent, and enough registers.
class TileBatch {
 public:
  // So many that the beginning of a loop does not matter, and so few that all stays in the
  // first-level cache.
  static constexpr std::size_t kMaxTiles = 32;

  HWY_NOINLINE void Prepare(WordMaker& maker, std::size_t tiles) {
    maker.Make(tiles * (kTile / kGroup), radii_, directions_);
    std::size_t tile = 0;
    for (; tile + 2 <= tiles; tile += 2) {
      MakeSquares<8>(radii_ + tile * kTilePairs);
    }
    if (tile < tiles) {
      MakeSquares<4>(radii_ + tile * kTilePairs);
    }
  }

  HWY_INLINE void Make(std::size_t i, Tile& tile) const {
    MakeTile(radii_ + i * kTilePairs, directions_ + i * kTilePairs, tile);
  }

 private:
  HWY_ALIGN std::uint32_t radii_[kMaxTiles * kTilePairs];  // Words at first, then squares.
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
