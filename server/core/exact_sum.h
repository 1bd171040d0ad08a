// A sum that is never rounded: a two's complement integer of kLimbs * 64 bits.
//
// Addition modulo 2^(64 kLimbs) is a commutative group, so order, split and merge tree cannot
// change the bits, and adding the negative takes a term out again.
//
//   ExactSum<6> sum;
//   sum.Add(/*value=*/5, /*shift=*/200);   // + 5 * 2^200
//   sum.Add(/*value=*/-5, /*shift=*/200);  // zero again
#ifndef LEHR_SERVER_CORE_EXACT_SUM_H_
#define LEHR_SERVER_CORE_EXACT_SUM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lehr {

using Int128 = __int128;
using UInt128 = unsigned __int128;

template <int kLimbs>
class ExactSum {
 public:
  static constexpr size_t kBytes = 8 * kLimbs;

  // Adds value * 2^shift; shift >= 0.
  void Add(Int128 value, int shift) {
    const int offset = shift % 64;
    const UInt128 low = static_cast<UInt128>(value) << offset;
    const uint64_t sign = value < 0 ? ~uint64_t{0} : 0;
    const uint64_t high = offset == 0 ? sign : static_cast<uint64_t>(value >> (128 - offset));
    const std::array<uint64_t, 3> words = {static_cast<uint64_t>(low),
                                           static_cast<uint64_t>(low >> 64), high};
    uint64_t carry = 0;
    int limb = shift / 64;
    for (int word = 0; word < 3 && limb < kLimbs; ++word, ++limb) {
      carry = AddToLimb(limb, words[word], carry);
    }
    // From here on all words are the sign: nothing changes once sign and carry cancel.
    for (; sign + carry != 0 && limb < kLimbs; ++limb) {
      carry = AddToLimb(limb, sign, carry);
    }
  }

  ExactSum& operator+=(const ExactSum& other) {
    uint64_t carry = 0;
    for (int limb = 0; limb < kLimbs; ++limb) {
      carry = AddToLimb(limb, other.limbs_[limb], carry);
    }
    return *this;
  }

  bool operator==(const ExactSum&) const = default;

  // Lowest first.
  const std::array<uint64_t, kLimbs>& limbs() const { return limbs_; }

  // Little-endian, kBytes long.
  void AppendTo(std::string& bytes) const {
    for (const uint64_t limb : limbs_) {
      for (int shift = 0; shift < 64; shift += 8) {
        bytes.push_back(static_cast<char>(limb >> shift));
      }
    }
  }

  // `bytes`: kBytes of them, as AppendTo writes them.
  static ExactSum Parse(std::string_view bytes) {
    ExactSum sum;
    for (size_t i = 0; i < kBytes; ++i) {
      sum.limbs_[i / 8] |= uint64_t{static_cast<uint8_t>(bytes[i])} << (i % 8 * 8);
    }
    return sum;
  }

 private:
  uint64_t AddToLimb(int limb, uint64_t word, uint64_t carry) {
    const UInt128 sum = static_cast<UInt128>(limbs_[limb]) + word + carry;
    limbs_[limb] = static_cast<uint64_t>(sum);
    return static_cast<uint64_t>(sum >> 64);
  }

  std::array<uint64_t, kLimbs> limbs_ = {};
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_EXACT_SUM_H_
