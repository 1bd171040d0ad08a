#include "server/relay/undecided_reports.h"

#include <utility>

namespace lehr {

void UndecidedReports::Keep(uint32_t rank, int64_t step, std::vector<v1::NodeReport> alone) {
  const auto [own, is_new] = steps_[step].try_emplace(rank);
  if (!is_new) {
    return;
  }
  for (const v1::NodeReport& piece : alone) {
    own->second.bytes += piece.ByteSizeLong();
  }
  bytes_ += own->second.bytes;
  own->second.alone = std::move(alone);
  while (bytes_ > max_bytes_) {
    ForgetOldest();
  }
}

void UndecidedReports::SentInSum(uint32_t rank, int64_t step) {
  if (Own* own = Find(rank, step); own != nullptr) {
    own->in_sum = true;
  }
}

std::vector<v1::NodeReport> UndecidedReports::TakeRefused(uint32_t rank, int64_t step) {
  Own* own = Find(rank, step);
  if (own == nullptr || !own->in_sum) {
    return {};
  }
  bytes_ -= std::exchange(own->bytes, 0);
  own->in_sum = false;
  return std::exchange(own->alone, {});
}

void UndecidedReports::Decided(int64_t step) {
  while (!steps_.empty() && steps_.begin()->first <= step) {
    ForgetOldest();
  }
}

UndecidedReports::Own* UndecidedReports::Find(uint32_t rank, int64_t step) {
  const auto ranks = steps_.find(step);
  if (ranks == steps_.end()) {
    return nullptr;
  }
  const auto own = ranks->second.find(rank);
  return own == ranks->second.end() ? nullptr : &own->second;
}

void UndecidedReports::ForgetOldest() {
  for (const auto& [rank, own] : steps_.begin()->second) {
    bytes_ -= own.bytes;
  }
  steps_.erase(steps_.begin());
}

}  // namespace lehr
