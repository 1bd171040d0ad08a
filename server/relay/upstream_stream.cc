#include "server/relay/upstream_stream.h"

#include <utility>

namespace lehr {

UpstreamStream* UpstreamStream::Start(const SupervisorTarget& target,
                                      std::shared_ptr<Listener> listener, size_t max_bytes) {
  auto* stream = new UpstreamStream(target, std::move(listener), max_bytes);
  stream->stub_->async()->Relay(&stream->context_, stream);
  // Writes start from outside of its callbacks until the first read that fails.
  stream->AddHold();
  stream->StartRead(&stream->response_);
  stream->StartCall();
  return stream;
}

UpstreamStream::UpstreamStream(const SupervisorTarget& target, std::shared_ptr<Listener> listener,
                               size_t max_bytes)
    : channel_(ConnectToSupervisor(target)),
      stub_(v1::SupervisorService::NewStub(channel_)),
      listener_(std::move(listener)),
      max_bytes_(max_bytes) {}

bool UpstreamStream::Send(v1::RelayRequest request) {
  absl::MutexLock lock(&mutex_);
  if (over_ || half_close_) {
    return true;
  }
  const size_t bytes = request.ByteSizeLong();
  if (waiting_.size() >= kMaxUpstreamMessages || waiting_bytes_ + bytes > max_bytes_) {
    GiveUpWaiting();
    context_.TryCancel();
    return false;
  }
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(request));
  WriteNext();
  return true;
}

void UpstreamStream::HalfClose() {
  absl::MutexLock lock(&mutex_);
  half_close_ = true;
  WriteNext();
}

void UpstreamStream::WriteNext() {
  if (over_ || writing_) {
    return;
  }
  if (!waiting_.empty()) {
    request_ = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= request_.ByteSizeLong();
    writing_ = true;
    StartWrite(&request_);
  } else if (half_close_) {
    // Once: nothing is written after it.
    writing_ = true;
    StartWritesDone();
  }
}

void UpstreamStream::GiveUpWaiting() {
  over_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
}

void UpstreamStream::OnReadDone(bool ok) {
  if (ok) {
    listener_->Received(response_);
    StartRead(&response_);
    return;
  }
  {
    absl::MutexLock lock(&mutex_);
    GiveUpWaiting();
  }
  RemoveHold();
}

void UpstreamStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  // A write fails only if the stream is dead, which the read tells.
  if (ok) {
    writing_ = false;
    WriteNext();
  }
}

void UpstreamStream::OnDone(const grpc::Status& status) {
  const std::shared_ptr<Listener> listener = listener_;
  listener->Ended(
      absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()));
  std::shared_ptr<grpc::Channel> channel = channel_;
  delete this;
  listener->Gone(std::move(channel));
}

}  // namespace lehr
