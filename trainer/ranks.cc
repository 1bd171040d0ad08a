#include "trainer/ranks.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace lehr {
namespace {

// How this rank's lines differ from rank 0's.
absl::Status Compare(const std::string& own, const std::string& of_rank_0) {
  const std::vector<std::string> lines = absl::StrSplit(own, '\n');
  const std::vector<std::string> lines_of_rank_0 = absl::StrSplit(of_rank_0, '\n');
  const size_t common = std::min(lines.size(), lines_of_rank_0.size());
  for (size_t i = 0; i < common; ++i) {
    if (lines[i] != lines_of_rank_0[i]) {
      return absl::FailedPreconditionError(absl::StrCat("it has ", lines[i], ", but rank 0 has ",
                                                        lines_of_rank_0[i],
                                                        "; all ranks need the same"));
    }
  }
  return lines.size() == lines_of_rank_0.size()
             ? absl::OkStatus()
             : absl::FailedPreconditionError("it is another version of the program than rank 0");
}

}  // namespace

absl::Status FirstError(const Collective& ranks, const absl::Status& own) {
  if (ranks.size() == 1) {
    return own;
  }
  const auto none = static_cast<uint64_t>(ranks.size());
  const uint64_t first =
      ranks.ExtremesOf(own.ok() ? none : static_cast<uint64_t>(ranks.rank())).least;
  if (first == none) {
    return absl::OkStatus();
  }
  const int root = static_cast<int>(first);
  std::string code(1, static_cast<char>(own.code()));
  std::string message(own.message());
  ranks.Broadcast(code, root);
  ranks.Broadcast(message, root);
  return {static_cast<absl::StatusCode>(code[0]),
          root == 0 ? message : absl::StrCat("rank ", root, ": ", message)};
}

absl::Status CheckSameDescription(const Collective& ranks, const std::string& description) {
  std::string of_rank_0 = description;
  ranks.Broadcast(of_rank_0);
  return FirstError(ranks, Compare(description, of_rank_0));
}

absl::Status CheckReplicas(const Collective& ranks, const std::string& checksum) {
  std::string of_rank_0 = checksum;
  ranks.Broadcast(of_rank_0);
  return FirstError(ranks, checksum == of_rank_0
                               ? absl::OkStatus()
                               : absl::InternalError(absl::StrCat(
                                     "the replicas differ: the checksum of its parameters is ",
                                     checksum, ", that of rank 0 is ", of_rank_0)));
}

std::string SharedNonce(const Collective& ranks) {
  std::random_device random;
  std::string nonce = absl::StrFormat("%08x%08x%08x%08x", random(), random(), random(), random());
  ranks.Broadcast(nonce);
  return nonce;
}

}  // namespace lehr
