// One rank of a training job, for tests: a client, a small model, and an agree function that
// counts.
#ifndef LEHR_TESTS_CLIENT_RANK_H_
#define LEHR_TESTS_CLIENT_RANK_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "client/client.h"

namespace lehr {

// The lines that a client logged.
class Lines {
 public:
  void Add(std::string_view line) {
    absl::MutexLock lock(&mutex_);
    lines_.emplace_back(line);
  }
  int CountOf(const std::string& part) const {
    absl::MutexLock lock(&mutex_);
    int count = 0;
    for (const std::string& line : lines_) {
      count += absl::StrContains(line, part);
    }
    return count;
  }
  std::vector<std::string> all() const {
    absl::MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> lines_;
};

class Rank {
 public:
  // Patient enough never to time out on a slow machine, unless the test says otherwise.
  static ClientOptions Options(const std::string& address) {
    ClientOptions options;
    options.supervisor = address;
    options.run_id = "test-run";
    options.connect_timeout = absl::Seconds(60);
    options.decision_timeout = absl::Seconds(60);
    return options;
  }

  explicit Rank(ClientOptions options) : agree_(std::move(options.agree)) {
    options.agree = [this](uint64_t hash) {
      hashes_.push_back(hash);
      return agree_ ? agree_(hash) : AgreeResult{.min = hash, .max = hash};
    };
    options.log = [this](std::string_view line) { lines_.Add(line); };
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  explicit Rank(const std::string& address) : Rank(Options(address)) {}

  // Checks, beside, that agree is called exactly once.
  StepResult Step(int64_t step) {
    const size_t agreed_before = hashes_.size();
    StepResult result = client_->Step(step, losses_, {}, tensors());
    EXPECT_EQ(hashes_.size(), agreed_before + 1) << "step " << step;
    return result;
  }

  std::vector<Tensor> tensors() {
    return {{.name = "layer.weight", .values = absl::MakeSpan(weights)},
            {.name = "layer.bias", .values = absl::MakeSpan(biases)}};
  }
  Client& client() { return *client_; }
  void Destroy() { client_.reset(); }
  // What agree was called with.
  const std::vector<uint64_t>& hashes() const { return hashes_; }
  const Lines& lines() const { return lines_; }

  std::vector<float> weights = {1, 2, 3, 4};
  std::vector<float> biases = {5, 6};

 private:
  const std::vector<float> losses_ = {0.5f, 1.5f};
  std::function<AgreeResult(uint64_t)> agree_;
  std::vector<uint64_t> hashes_;
  Lines lines_;
  std::unique_ptr<Client> client_;
};

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_RANK_H_
