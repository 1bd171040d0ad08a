// The noise in vectors of whatever width the instruction set at hand has (Google Highway): to be
// included once for each of them. The operations of a lane are those of proto/lehr/v1/NOISE.md, by
// the same names as in box_muller.h and philox.h; only their order between lanes is free.
//
// The lanes of a group of Lanes(uint32) blocks hold the blocks in an order that makes two
// interleavings at the end put the elements into the order of memory. Two groups are a tile.
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
constexpr std::size_t kGroup = 4 * kLanes;  // Elements.
constexpr std::size_t kTile = 2 * kGroup;

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

// The lower halves of the 64-bit lanes of both, in turn.
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

HWY_INLINE VecF RoundedFromUnsigned(VecU word) {
#if HWY_TARGET <= HWY_AVX3
  return hn::ConvertTo(F32(), word);
#else
  // The halves as the last bits of 2^39 and 2^23; the difference is exact, the sum rounds once.
  const U32 d;
  const VecU high = hn::Or(hn::ShiftRight<16>(word), hn::Set(d, 0x53000000));
  const VecU low = hn::Or(hn::And(word, hn::Set(d, 0xFFFF)), hn::Set(d, 0x4B000000));
  return hn::Add(hn::Sub(hn::BitCast(F32(), high), Constant(0x1p39f + 0x1p23f)),
                 hn::BitCast(F32(), low));
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

using FourF = VecF[4];
using FourU = VecU[4];

// h = h * x + c for all four.
HWY_INLINE void HornerStep(FourF& h, const FourF& x, float c) {
  for (int j = 0; j < 4; ++j) {
    h[j] = MulThenAdd(h[j], x[j], Constant(c));
  }
}

// Four vectors of pairs side by side, from the radius' words a and the direction's words b. Each
// operation of a polynomial waits for the one before it: the CPU is busy only if there are twelve
// polynomials to alternate between.
HWY_INLINE void BoxMuller(const FourU& a, const FourU& b, FourF& cosine, FourF& sine) {
  const I32 i;
  FourF k, n, t, s, h, x, y;
  for (int j = 0; j < 4; ++j) {
    const VecF f = RoundedFromUnsigned(hn::Max(a[j], hn::Set(U32(), 1)));
    const auto e = hn::BitCast(i, hn::Sub(hn::BitCast(U32(), f), hn::Set(U32(), 0x4F2AAAAB)));
    k[j] = hn::ConvertTo(F32(), hn::ShiftRight<23>(e));
    const auto d_bits = hn::Add(hn::And(e, hn::Set(i, 0x007FFFFF)), hn::Set(i, 0x3FAAAAAB));
    n[j] = hn::Sub(Constant(2.0f), hn::BitCast(F32(), d_bits));
    const auto fraction = hn::BitCast(i, hn::ShiftLeft<2>(b[j]));
    t[j] = hn::Mul(hn::ConvertTo(F32(), fraction), Constant(0x1p-32f));
    s[j] = hn::Mul(t[j], t[j]);
    h[j] = Constant(0x1.4d56cep-10f);
    y[j] = Constant(-0x1.2ef85p-8f);
    x[j] = Constant(0x1.d47d46p-11f);
  }
  HornerStep(h, n, 0x1.5fb248p-9f);
  HornerStep(y, s, 0x1.4668e6p-4f);
  HornerStep(h, n, 0x1.4c261p-8f);
  HornerStep(x, s, -0x1.55b146p-6f);
  HornerStep(h, n, 0x1.954278p-7f);
  HornerStep(y, s, -0x1.4abbe6p-1f);
  HornerStep(h, n, 0x1.0037fep-5f);
  HornerStep(x, s, 0x1.03c1aep-2f);
  HornerStep(h, n, 0x1.556148p-4f);
  HornerStep(y, s, 0x1.921fb6p+0f);
  HornerStep(h, n, 0x1.ffff1ep-3f);
  HornerStep(x, s, -0x1.3bd3ccp+0f);
  FourF r;
  for (int j = 0; j < 4; ++j) {
    const VecF p = hn::Add(n[j], hn::Mul(hn::Mul(n[j], n[j]), h[j]));
    const VecF g = hn::Add(hn::Mul(k[j], Constant(-0x1.62e4p+0f)),
                           MulThenAdd(k[j], Constant(-0x1.7f7d1cp-19f), p));
    r[j] = hn::Sqrt(g);
  }
  HornerStep(x, s, 1.0f);
  for (int j = 0; j < 4; ++j) {
    const Pair direction = ExchangeInOddQuadrants({x[j], hn::Mul(y[j], t[j])}, b[j]);
    r[j] = hn::CopySignToAbs(r[j], hn::BitCast(F32(), b[j]));
    cosine[j] = hn::Mul(r[j], direction.cosine);
    sine[j] = hn::Mul(r[j], direction.sine);
  }
}

// ---- Tiles.

// Neighbouring elements.
using Tile = VecF[8];

// The elements of one group, from the numbers of its blocks.
HWY_INLINE void Interleave(VecF z0, VecF z1, VecF z2, VecF z3, VecF* z) {
  const F32 f;
  const U64 u;
  const VecQ low_01 = hn::BitCast(u, hn::InterleaveLower(f, z0, z1));
  const VecQ high_01 = hn::BitCast(u, hn::InterleaveUpper(f, z0, z1));
  const VecQ low_23 = hn::BitCast(u, hn::InterleaveLower(f, z2, z3));
  const VecQ high_23 = hn::BitCast(u, hn::InterleaveUpper(f, z2, z3));
  z[0] = hn::BitCast(f, hn::InterleaveLower(u, low_01, low_23));
  z[1] = hn::BitCast(f, hn::InterleaveUpper(u, low_01, low_23));
  z[2] = hn::BitCast(f, hn::InterleaveLower(u, high_01, high_23));
  z[3] = hn::BitCast(f, hn::InterleaveUpper(u, high_01, high_23));
}

// The four words of each block of a group, in the order of the lanes.
struct GroupWords {
  VecU w0, w1, w2, w3;
};

// The words of one group after another.
class WordMaker {
 public:
  WordMaker(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_block)
      : keys_(MakeRoundKeys(seed)), tensor_id_(tensor_id) {
    HWY_ALIGN std::uint64_t even[kLanes / 2];
    HWY_ALIGN std::uint64_t odd[kLanes / 2];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::uint64_t block = first_block + lane % 4 * (kLanes / 4) + lane / 4;
      (lane % 2 == 0 ? even : odd)[lane / 2] = block;
    }
    even_ = hn::Load(U64(), even);
    odd_ = hn::Load(U64(), odd);
  }

  HWY_INLINE GroupWords Next() {
    Counters even = MakeCounters(even_, tensor_id_);
    Counters odd = MakeCounters(odd_, tensor_id_);
    for (int round = 0; round < 10; ++round) {
      const VecU key_low = hn::Set(U32(), keys_.low[round]);
      const VecU key_high = hn::Set(U32(), keys_.high[round]);
      PhiloxRound(even, key_low, key_high);
      PhiloxRound(odd, key_low, key_high);
    }
    const VecQ step = hn::Set(U64(), kLanes);
    even_ = hn::Add(even_, step);
    odd_ = hn::Add(odd_, step);
    return {MergeLowerHalves(even.x0, odd.x0), MergeLowerHalves(even.x1, odd.x1),
            MergeLowerHalves(even.x2, odd.x2), MergeLowerHalves(even.x3, odd.x3)};
  }

 private:
  RoundKeys keys_;
  std::uint64_t tensor_id_;
  VecQ even_, odd_;
};

// The words of several tiles. They are made before any of them becomes numbers: within each of the
// two loops the CPU finds enough that is independent, and enough registers.
class WordBatch {
 public:
  static constexpr std::size_t kMaxTiles = 8;

  HWY_NOINLINE void Make(WordMaker& maker, std::size_t tiles) {
    const U32 d;
    WordMaker in_registers = maker;
    for (std::size_t group = 0; group < 2 * tiles; ++group) {
      const GroupWords words = in_registers.Next();
      hn::Store(words.w0, d, words_[group]);
      hn::Store(words.w1, d, words_[group] + kLanes);
      hn::Store(words.w2, d, words_[group] + 2 * kLanes);
      hn::Store(words.w3, d, words_[group] + 3 * kLanes);
    }
    maker = in_registers;
  }

  HWY_INLINE void MakeTile(std::size_t i, Tile& tile) const {
    const U32 d;
    FourU a, b;
    for (std::size_t j = 0; j < 4; ++j) {
      const std::uint32_t* words = words_[2 * i + j / 2] + j % 2 * 2 * kLanes;
      a[j] = hn::Load(d, words);
      b[j] = hn::Load(d, words + kLanes);
    }
    FourF cosine, sine;
    BoxMuller(a, b, cosine, sine);
    Interleave(cosine[0], sine[0], cosine[1], sine[1], tile);
    Interleave(cosine[2], sine[2], cosine[3], sine[3], tile + 4);
  }

 private:
  HWY_ALIGN std::uint32_t words_[2 * kMaxTiles][kGroup];
};

HWY_INLINE void Store(const Tile& tile, float* out) {
  for (std::size_t i = 0; i < 8; ++i) {
    hn::StoreU(tile[i], F32(), out + i * kLanes);
  }
}

}  // namespace lehr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
