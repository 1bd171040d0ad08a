#include "tests/server/lehrd_fixture.h"

#include <stdlib.h>

#include <utility>

#include "server/wire.h"

namespace lehr {

TestRank::TestRank(const std::shared_ptr<grpc::Channel>& channel, v1::Join join)
    : stub_(v1::SupervisorService::NewStub(channel)) {
  context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  context_.set_wait_for_ready(true);
  stream_ = stub_->Supervise(&context_);
  v1::SuperviseRequest request;
  *request.mutable_join() = std::move(join);
  stream_->Write(request);
}

std::unique_ptr<TestRank> TestRank::Joined(const std::shared_ptr<grpc::Channel>& channel,
                                           v1::Join join) {
  auto rank = std::make_unique<TestRank>(channel, std::move(join));
  rank->AwaitWelcome();
  return rank;
}

bool TestRank::AwaitWelcome() {
  const v1::SuperviseResponse response = Next();
  welcome_ = response.welcome();
  return response.has_welcome();
}

void TestRank::Report(int64_t step, std::vector<float> losses, std::vector<uint64_t> example_ids) {
  v1::SuperviseRequest request;
  request.mutable_report()->set_step(step);
  request.mutable_report()->mutable_losses()->Add(losses.begin(), losses.end());
  request.mutable_report()->mutable_example_ids()->Add(example_ids.begin(), example_ids.end());
  Send(request);
}

void TestRank::Leave() {
  v1::SuperviseRequest request;
  request.mutable_leave()->set_completed(true);
  Send(request);
}

v1::SuperviseResponse TestRank::Next() {
  v1::SuperviseResponse response;
  if (!stream_->Read(&response)) {
    response.Clear();
  }
  return response;
}

v1::Decision TestRank::NextDecision() {
  const v1::SuperviseResponse response = Next();
  EXPECT_TRUE(response.has_decision()) << response.ShortDebugString();
  return response.decision();
}

void TestRank::Vanish() {
  context_.TryCancel();
  stream_->Finish();
}

grpc::Status TestRank::Finish() {
  stream_->WritesDone();
  return AwaitEnd();
}

grpc::Status TestRank::AwaitEnd() {
  v1::SuperviseResponse response;
  while (stream_->Read(&response)) {
  }
  return stream_->Finish();
}

LehrdTest::LehrdTest() {
  std::string name = (std::filesystem::temp_directory_path() / "lehrd_test.XXXXXX").string();
  data_dir_ = mkdtemp(name.data());
}

LehrdTest::~LehrdTest() {
  Crash();
  std::filesystem::remove_all(data_dir_);
}

void LehrdTest::Start(uint32_t max_streams, uint32_t max_runs) {
  metrics_ = std::make_unique<Metrics>(/*max_run_series=*/8);
  auto journal =
      Journal::Open({.data_dir = data_dir_.string(),
                     .commit_interval = commit_interval_,
                     .on_failure = [](const absl::Status& error) { ADD_FAILURE() << error; }});
  ASSERT_TRUE(journal.ok()) << journal.status();
  journal_ = *std::move(journal);
  auto supervisor = Supervisor::Start(
      {.journal = journal_.get(), .metrics = metrics_.get(), .max_runs = max_runs});
  ASSERT_TRUE(supervisor.ok()) << supervisor.status();
  supervisor_ = *std::move(supervisor);
  journal_->NotifyDurable([supervisor = supervisor_.get()](uint64_t) { supervisor->OnDurable(); });
  auto server =
      GrpcServer::Start({.address = listen_, .max_streams = max_streams, .memory_quota = 64 << 20},
                        *supervisor_, *metrics_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  address_ = Address{listen_.host, static_cast<uint16_t>(server_->port())}.ToString();
  channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  runs_ = v1::RunsService::NewStub(channel_);
}

void LehrdTest::Stop() {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  supervisor_->BeginShutdown(deadline);
  server_->Shutdown(deadline);
  EXPECT_TRUE(supervisor_->CloseJournal(deadline).ok());
  Crash();
}

void LehrdTest::Crash() {
  runs_.reset();
  channel_.reset();
  server_.reset();
  journal_.reset();
  supervisor_.reset();
  metrics_.reset();
}

v1::Run LehrdTest::DescribeRun(const std::string& run_id) {
  v1::GetRunRequest request;
  request.set_run_id(run_id);
  absl::StatusOr<v1::GetRunResponse> response = supervisor_->GetRun(request);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? response->run() : v1::Run();
}

std::vector<v1::HistoryEntry> LehrdTest::History(const std::string& run_id) {
  v1::GetHistoryRequest request;
  request.set_run_id(run_id);
  absl::StatusOr<v1::GetHistoryResponse> response = supervisor_->GetHistory(request);
  EXPECT_TRUE(response.ok()) << response.status();
  return {response->entries().begin(), response->entries().end()};
}

}  // namespace lehr
