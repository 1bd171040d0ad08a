// Bad input from one rank to a real lehrd: what that rank is told, and that the other ranks of the
// run get their decision all the same. tests/faults/run shows the rows as a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "client/client_options.h"
#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

// With a lehrd of its own in another process, where LehrdTest has one inside.
class BadInput : public LehrdTest {
 protected:
  BadInput() {
    int log[2];
    EXPECT_EQ(pipe(log), 0);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, log[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&files, log[0]);
    const std::string data_dir = "--data_dir=" + data_dir_.string();
    const char* arguments[] = {LEHRD_BINARY,        "--listen=127.0.0.1:0", "--http=none",
                               "--log_format=json", data_dir.c_str(),       nullptr};
    EXPECT_EQ(posix_spawn(&process_, LEHRD_BINARY, &files, nullptr,
                          const_cast<char* const*>(arguments), environ),
              0);
    posix_spawn_file_actions_destroy(&files);
    close(log[1]);
    log_ = fdopen(log[0], "r");
    channel_ = grpc::CreateChannel(ReadAddress(), grpc::InsecureChannelCredentials());
  }
  ~BadInput() override {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    fclose(log_);
  }

  // The status that ends the stream of this Join.
  grpc::Status EndOf(const v1::Join& join) {
    grpc::Status status = TestRank(channel_, join).AwaitEnd();
    RecordProperty("seen", absl::StrCat("status ", static_cast<int>(status.error_code()), ": ",
                                        status.error_message()));
    return status;
  }
  v1::Refused RefusalOf(TestRank& rank) {
    const v1::SuperviseResponse response = rank.Next();
    EXPECT_TRUE(response.has_refused()) << response.ShortDebugString();
    RecordProperty("seen",
                   absl::StrCat("Refused ", v1::Refused::Code_Name(response.refused().code()), ": ",
                                response.refused().message()));
    return response.refused();
  }

  void JoinPeers() {
    zero_ = Rank(JoinOf(0, 2));
    one_ = Rank(JoinOf(1, 2));
  }
  // The ranks are as they were: both get the decision about both reports.
  void ExpectUnharmed(int64_t step = 0) {
    zero_->Report(step, HotLosses());
    one_->Report(step, HotLosses());
    ExpectDecided(step);
  }
  void ExpectDecided(int64_t step) {
    for (TestRank* rank : {zero_.get(), one_.get()}) {
      const v1::Decision decision = rank->NextDecision();
      EXPECT_EQ(decision.step(), step);
      EXPECT_EQ(decision.reports(), 2u);
      EXPECT_EQ(decision.actions_size(), 1) << decision.ShortDebugString();
    }
  }

  static void SendPiece(TestRank& rank, int losses, bool more) {
    v1::SuperviseRequest request;
    request.mutable_report()->mutable_losses()->Resize(losses, 1.0f);
    request.mutable_report()->set_more(more);
    rank.Send(request);
  }

  std::unique_ptr<TestRank> zero_;
  std::unique_ptr<TestRank> one_;

 private:
  std::string ReadAddress() {
    char line[4096];
    while (fgets(line, sizeof(line), log_) != nullptr) {
      const nlohmann::json record = nlohmann::json::parse(line);
      if (record.at("msg") == "serving gRPC") {
        return record.at("address");
      }
    }
    ADD_FAILURE() << LEHRD_BINARY << " did not start";
    return "";
  }

  pid_t process_ = 0;
  FILE* log_ = nullptr;
};

TEST_F(BadInput, WrongWorldSize) {
  JoinPeers();
  const grpc::Status status = EndOf(JoinOf(1, 3));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("world_size is 3"));
  ExpectUnharmed();
}

TEST_F(BadInput, RankBeyondTheWorldSize) {
  JoinPeers();
  const grpc::Status status = EndOf(JoinOf(2, 2));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("rank is 2"));
  ExpectUnharmed();
}

TEST_F(BadInput, StepOutsideTheWindow) {
  JoinPeers();
  zero_->Report(0, HotLosses());
  // Its answer tells that the report of rank 0 was there first.
  zero_->Report(0, {7});
  EXPECT_EQ(RefusalOf(*zero_).code(), v1::Refused::CODE_CONFLICT);
  one_->Report(1025, HotLosses());
  const v1::Refused refused = RefusalOf(*one_);
  EXPECT_EQ(refused.code(), v1::Refused::CODE_OUTSIDE_WINDOW);
  EXPECT_THAT(refused.message(), HasSubstr("step is 1025"));
  one_->Report(0, HotLosses());
  ExpectDecided(0);
}

TEST_F(BadInput, StepOfTwoToThe63) {
  JoinPeers();
  one_->Report(std::numeric_limits<int64_t>::min(), HotLosses());
  const v1::Refused negative = RefusalOf(*one_);
  EXPECT_EQ(negative.code(), v1::Refused::CODE_INVALID);
  EXPECT_THAT(negative.message(), HasSubstr("step is -9223372036854775808"));
  for (const int64_t step : {int64_t{1} << 62, std::numeric_limits<int64_t>::max()}) {
    one_->Report(step, HotLosses());
    const v1::Refused refused = RefusalOf(*one_);
    EXPECT_EQ(refused.code(), v1::Refused::CODE_INVALID);
    EXPECT_THAT(refused.message(), HasSubstr(absl::StrCat("step is ", step)));
  }
  ExpectUnharmed();
}

TEST_F(BadInput, AnotherGeneration) {
  const auto before = Rank(JoinOf(0, 2, "attempt-0"));
  JoinPeers();
  EXPECT_EQ(before->AwaitEnd().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  const grpc::Status status = EndOf(JoinOf(1, 2, "attempt-0"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("generation 1"));
  EXPECT_THAT(status.error_message(), HasSubstr("generation 2"));
  ExpectUnharmed();
}

TEST_F(BadInput, ConflictingResend) {
  JoinPeers();
  zero_->Report(0, HotLosses());
  zero_->Report(0, {99, 0});
  const v1::Refused refused = RefusalOf(*zero_);
  EXPECT_EQ(refused.code(), v1::Refused::CODE_CONFLICT);
  EXPECT_THAT(refused.message(), HasSubstr("step 0 of rank 0"));
  one_->Report(0, HotLosses());
  const v1::Decision decision = one_->NextDecision();
  EXPECT_EQ(decision.observation().max(), 3) << "the first losses count";
  EXPECT_EQ(zero_->NextDecision().SerializeAsString(), decision.SerializeAsString());
  ExpectUnharmed(1);
}

TEST_F(BadInput, EmptyReport) {
  JoinPeers();
  zero_->Report(0, {});
  one_->Report(0, HotLosses());
  const v1::Decision decision = one_->NextDecision();
  EXPECT_EQ(decision.reports(), 2u);
  EXPECT_EQ(decision.observation().count(), 2u);
  EXPECT_EQ(decision.actions_size(), 1);
  EXPECT_EQ(zero_->NextDecision().step(), 0);
  zero_->Report(1, {});
  one_->Report(1, {});
  EXPECT_EQ(zero_->NextDecision().reason().code(), v1::Reason::CODE_NO_LOSSES);
  EXPECT_EQ(one_->NextDecision().reason().code(), v1::Reason::CODE_NO_LOSSES);
  RecordProperty("seen", "taken as no data; a step without any loss: CODE_NO_LOSSES");
  ExpectUnharmed(2);
}

TEST_F(BadInput, MoreLossesThanAMessageMayHold) {
  JoinPeers();
  SendPiece(*one_, (1 << 20) + 1, /*more=*/false);
  const v1::Refused refused = RefusalOf(*one_);
  EXPECT_EQ(refused.code(), v1::Refused::CODE_INVALID);
  EXPECT_THAT(refused.message(), HasSubstr("1048577 losses"));
  ExpectUnharmed();
}

TEST_F(BadInput, MoreLossesThanAStepMayHold) {
  JoinPeers();
  for (int piece = 0; piece < 16; ++piece) {
    SendPiece(*one_, 1 << 20, /*more=*/true);
  }
  SendPiece(*one_, 1, /*more=*/false);
  const v1::Refused refused = RefusalOf(*one_);
  EXPECT_EQ(refused.code(), v1::Refused::CODE_INVALID);
  EXPECT_THAT(refused.message(), HasSubstr("16777217 losses"));
  ExpectUnharmed();
}

TEST_F(BadInput, MessageBeyond16MiB) {
  JoinPeers();
  SendPiece(*one_, 5 << 20, /*more=*/false);
  const grpc::Status status = one_->AwaitEnd();
  RecordProperty("seen", absl::StrCat("status ", static_cast<int>(status.error_code()), ": ",
                                      status.error_message()));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("16777216"));
  one_ = Rank(JoinOf(1, 2));
  ExpectUnharmed();
}

TEST_F(BadInput, IdsMissingWhereTheScopeNeedsThem) {
  v1::Join joins[] = {JoinOf(0, 2), JoinOf(1, 2)};
  for (v1::Join& join : joins) {
    join.mutable_settings()->set_scope(v1::LOSS_SCOPE_DATASET);
    join.mutable_settings()->set_dataset_examples(4);
  }
  const auto send = [](TestRank& rank, std::vector<uint64_t> ids) {
    v1::SuperviseRequest request;
    request.mutable_report()->add_losses(3);
    request.mutable_report()->add_losses(0);
    request.mutable_report()->mutable_example_ids()->Add(ids.begin(), ids.end());
    rank.Send(request);
  };
  zero_ = std::make_unique<TestRank>(channel_, joins[0]);
  if (!zero_->Next().has_welcome()) {
    const std::string why = zero_->AwaitEnd().error_message();
    if (why.find("scope") != std::string::npos) {
      RecordProperty("seen", why);
      GTEST_SKIP() << "this lehrd has no dataset scope";
    }
  }
  one_ = Rank(joins[1]);
  send(*one_, {});
  const v1::Refused refused = RefusalOf(*one_);
  EXPECT_EQ(refused.code(), v1::Refused::CODE_INVALID);
  EXPECT_THAT(refused.message(), HasSubstr("step 0"));
  send(*zero_, {0, 1});
  send(*one_, {2, 3});
  EXPECT_EQ(zero_->NextDecision().reports(), 2u);
  EXPECT_EQ(one_->NextDecision().reports(), 2u);
}

TEST_F(BadInput, TwoRanksWithOneNumber) {
  JoinPeers();
  v1::Join other = JoinOf(1, 2);
  other.set_process("process-of-another");
  const grpc::Status status = EndOf(other);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(status.error_message(), HasSubstr("rank 1"));
  ExpectUnharmed();
}

// The client refuses them before anything is sent.
TEST(BadInputOfATrainer, TimeoutsInTheWrongOrder) {
  ClientOptions options;
  options.supervisor = "127.0.0.1:7070";
  options.run_id = "digits";
  options.decision_timeout = absl::Seconds(5);
  options.settings.mutable_straggler_timeout()->set_seconds(5);
  const absl::Status status = CheckClientOptions(options);
  RecordProperty("seen", status.ToString());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("decision_timeout is 5s"));
}

}  // namespace
}  // namespace lehr
