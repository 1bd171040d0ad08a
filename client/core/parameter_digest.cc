#include "client/core/parameter_digest.h"

#include <bit>
#include <cstdint>
#include <variant>

#include "client/core/tensor_name.h"

namespace lehr {
namespace {

constexpr std::uint64_t kIndexFactor = 0x9E3779B97F4A7C15;
constexpr std::uint64_t kBitsFactor = 0xD1B54A32D192ED03;

// The finaliser of SplitMix64.
std::uint64_t Mix(std::uint64_t v) {
  v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9;
  v = (v ^ (v >> 27)) * 0x94D049BB133111EB;
  return v ^ (v >> 31);
}

std::uint64_t BitsOf(float value) { return std::bit_cast<std::uint32_t>(value); }
std::uint64_t BitsOf(double value) { return std::bit_cast<std::uint64_t>(value); }
std::uint64_t BitsOf(Bfloat16 value) { return value.bits; }
std::uint64_t BitsOf(Float16 value) { return value.bits; }

template <typename Element>
std::uint64_t DigestOf(const Tensor& tensor, absl::Span<Element> values) {
  const std::uint64_t tensor_id = TensorId(tensor.name);
  std::uint64_t digest = 0;
  RunsOf(tensor).ForEach(0, values.size(),
                         [&](std::uint64_t index, std::uint64_t offset, std::uint64_t length) {
                           std::uint64_t place = tensor_id + index * kIndexFactor;
                           for (const Element value : values.subspan(offset, length)) {
                             digest += Mix(place + BitsOf(value) * kBitsFactor);
                             place += kIndexFactor;
                           }
                         });
  return digest;
}

}  // namespace

std::uint64_t ParameterDigest(absl::Span<const Tensor> tensors) {
  std::uint64_t digest = 0;
  for (const Tensor& tensor : tensors) {
    digest +=
        std::visit([&](const auto& values) { return DigestOf(tensor, values); }, tensor.values);
  }
  return digest;
}

}  // namespace lehr
