#include "client/core/command_hash.h"

#include <bit>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

#include "client/core/sha256_prefix.h"

namespace lehr {
namespace {

constexpr std::string_view kLayout = "lehr.actions.v1";
// The kinds: field numbers in the message Action.
constexpr std::uint8_t kPerturb = 1;
constexpr std::uint8_t kSnapshot = 2;
constexpr std::uint8_t kRestore = 3;
constexpr std::uint8_t kIdentity = 4;
constexpr std::uint8_t kLearningRate = 5;

// Little-endian, on any CPU.
template <std::unsigned_integral Word>
void AppendWord(std::string& bytes, Word word) {
  for (std::size_t i = 0; i < sizeof(word); ++i) {
    bytes.push_back(static_cast<char>(word >> (8 * i) & 0xFF));
  }
}

void AppendFloat(std::string& bytes, float number) {
  AppendWord(bytes, std::bit_cast<std::uint32_t>(number));
}

void AppendText(std::string& bytes, std::string_view text) {
  AppendWord(bytes, static_cast<std::uint32_t>(text.size()));
  bytes.append(text);
}

std::string Payload(const Perturbation& perturbation) {
  std::string payload;
  AppendWord(payload, perturbation.id);
  AppendWord(payload, perturbation.seed);
  AppendFloat(payload, perturbation.stddev);
  AppendWord(payload, static_cast<std::uint8_t>(perturbation.scale));
  AppendFloat(payload, perturbation.shrink);
  AppendWord(payload, static_cast<std::uint8_t>(perturbation.optimizer_state));
  AppendText(payload, perturbation.tensor_selector);
  AppendText(payload, perturbation.noise_spec);
  return payload;
}

std::uint8_t Kind(const Perturbation&) { return kPerturb; }
std::uint8_t Kind(const TakeSnapshot&) { return kSnapshot; }
std::uint8_t Kind(const RestoreSnapshot&) { return kRestore; }
std::uint8_t Kind(const SetIdentity&) { return kIdentity; }
std::uint8_t Kind(const ScaleLearningRate&) { return kLearningRate; }

std::string PayloadOfId(std::uint64_t id) {
  std::string payload;
  AppendWord(payload, id);
  return payload;
}

std::string Payload(const TakeSnapshot& action) { return PayloadOfId(action.id); }
std::string Payload(const RestoreSnapshot& action) { return PayloadOfId(action.id); }
std::string Payload(const SetIdentity&) { return ""; }

std::string Payload(const ScaleLearningRate& action) {
  std::string payload;
  AppendFloat(payload, action.factor);
  return payload;
}

}  // namespace

std::uint64_t HashActions(absl::Span<const CommandAction> actions) {
  if (actions.empty()) {
    return 0;
  }
  std::string bytes(kLayout);
  AppendWord(bytes, static_cast<std::uint32_t>(actions.size()));
  for (const CommandAction& action : actions) {
    AppendWord(bytes, std::visit([](const auto& kind) { return Kind(kind); }, action));
    AppendText(bytes, std::visit([](const auto& kind) { return Payload(kind); }, action));
  }
  const std::uint64_t hash = Sha256Prefix(bytes);
  return hash == 0 ? 1 : hash;
}

}  // namespace lehr
