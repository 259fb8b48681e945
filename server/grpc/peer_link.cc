#include "server/grpc/peer_link.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/client_callback.h"
#include "grpcpp/support/slice.h"

#include "proto/base/happens_before.h"
#include "proto/base/wait_at_most.h"
#include "replication/wire.h"
#include "server/peer_socket.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char kConnectMethod[] = "/replication.v1.ReplicationService/Connect";

// Entries up to this size are copied together: gRPC and the kernel take longer
// for a piece more.
constexpr size_t kCopiedMax = size_t{4} << 10;

// Bytes that gRPC only reads, and what owns them until it lets go of them.
template <typename Owner>
grpc::Slice SliceOf(absl::string_view bytes, std::unique_ptr<Owner> owner) {
  return grpc::Slice(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* owned) { delete static_cast<Owner*>(owned); }, owner.release());
}

grpc::Slice SliceOf(std::string bytes) {
  auto held = std::make_unique<std::string>(std::move(bytes));
  const absl::string_view view = *held;
  return SliceOf(view, std::move(held));
}

// The entry's own bytes.
grpc::Slice SliceOf(const Entry& entry) {
  return SliceOf(entry.bytes(), std::make_unique<Entry>(entry));
}

grpc::ByteBuffer BufferOf(replication::Message message) {
  replication::EncodedMessage encoded = replication::Encode(std::move(message));
  std::vector<grpc::Slice> slices;
  std::string piece = std::move(encoded.head);
  for (const Entry& entry : encoded.entries) {
    piece += replication::EntryFieldHead(entry);
    if (entry.bytes().size() <= kCopiedMax) {
      absl::StrAppend(&piece, entry.bytes());
      continue;
    }
    slices.push_back(SliceOf(std::exchange(piece, {})));
    slices.push_back(SliceOf(entry));
  }
  if (!piece.empty()) slices.push_back(SliceOf(std::move(piece)));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

grpc::ByteBuffer BufferOf(const v1::Hello& hello) {
  v1::ConnectRequest request;
  *request.mutable_hello() = hello;
  const grpc::Slice slice = SliceOf(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

std::optional<v1::Hello> HelloOf(grpc::ByteBuffer& buffer) {
  v1::ConnectResponse response;
  const grpc::Status parsed =
      grpc::GenericDeserialize<grpc::ProtoBufferReader, v1::ConnectResponse>(
          &buffer, &response);
  if (!parsed.ok() || !response.has_hello()) return std::nullopt;
  return response.hello();
}

bool IsRefusal(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::FAILED_PRECONDITION ||
         status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
         status.error_code() == grpc::StatusCode::UNIMPLEMENTED;
}

}  // namespace

// One call, from the first word to the end of its connection.
class PeerLink::Conversation final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  struct End {
    // Empty when it was not refused.
    std::string refused;
    bool is_silent = false;
    std::string error;
  };

  Conversation(PeerLink& link, FileDescriptor socket)
      : link_(link),
        watch_(socket.get()),
        channel_(grpc::CreateCustomInsecureChannelFromFd(
            "replica", socket.Release(), Arguments())),
        stub_(channel_) {}

  End Run() {
    stub_.PrepareBidiStreamingCall(&context_, kConnectMethod, {}, this);
    out_ = BufferOf(MakeHello(link_.self_, link_.own_.Get(), link_.peer_));
    {
      const MutexLock lock(link_.mutex_);
      link_.writing_ = true;
    }
    LEDGERD_RELEASE(this);
    // So that the call is there for as long as this thread writes to it.
    AddHold();
    StartWrite(&out_);
    StartRead(&in_);
    StartCall();
    while (GoesOn()) {
      std::optional<replication::Message> message = NextMessage();
      if (message.has_value()) Write(*std::move(message));
      GreetOnce();
      CancelIfNeeded(steady_clock::now());
    }
    WaitForSenders();
    RemoveHold();
    WaitUntilDone();
    LEDGERD_ACQUIRE(this);
    return end_;
  }

  // One message at a time: whoever took it, by PeerLink::Take.
  void Write(replication::Message message) {
    out_ = BufferOf(std::move(message));
    LEDGERD_RELEASE(this);
    StartWrite(&out_);
  }

  // After a write that failed the call ends, as OnReadDone will tell.
  void OnWriteDone(bool ok) override {
    LEDGERD_ACQUIRE(this);
    if (!ok) return;
    std::optional<replication::Message> next;
    {
      const MutexLock lock(link_.mutex_);
      link_.writing_ = false;
      if (link_.MaySend()) next = link_.Take();
    }
    if (next.has_value()) Write(*std::move(next));
  }

  // The only answer is the hello; after it the read waits for the end.
  void OnReadDone(bool ok) override {
    LEDGERD_ACQUIRE(this);
    std::optional<v1::Hello> hello = ok ? HelloOf(in_) : std::nullopt;
    {
      const MutexLock lock(link_.mutex_);
      ended_ = !ok;
      if (ended_) link_.conversation_ = nullptr;
      if (ok && !greeting_.has_value()) {
        greeting_ = hello.has_value() ? *std::move(hello) : v1::Hello();
      }
    }
    link_.changed_.SignalAll();
    if (ok) StartRead(&in_);
  }

  // The last that gRPC does with this.
  void OnDone(const grpc::Status& status) override {
    LEDGERD_RELEASE(this);
    const MutexLock lock(link_.mutex_);
    done_ = status;
    link_.changed_.SignalAll();
  }

 private:
  static grpc::ChannelArguments Arguments() {
    grpc::ChannelArguments arguments;
    const int bytes = static_cast<int>(replication::kWireMessageBytesMax);
    arguments.SetMaxSendMessageSize(bytes);
    arguments.SetMaxReceiveMessageSize(bytes);
    return arguments;
  }

  bool GoesOn() {
    const MutexLock lock(link_.mutex_);
    return !ended_;
  }

  void WaitUntilDone() {
    const MutexLock lock(link_.mutex_);
    while (!done_.has_value()) link_.changed_.Wait(link_.mutex_);
    end_.error = done_->error_message();
    if (end_.refused.empty() && IsRefusal(*done_)) {
      end_.refused = done_->error_message();
    }
  }

  // Waits for something to do; nothing when there is nothing to send.
  std::optional<replication::Message> NextMessage() {
    const MutexLock lock(link_.mutex_);
    const bool must_greet = greeting_.has_value() && !greeted_;
    if (!link_.MaySend() && !must_greet && !ended_ && !link_.stopping_) {
      link_.changed_.WaitFor(link_.mutex_, kLook);
    }
    if (!link_.MaySend()) return std::nullopt;
    return link_.Take();
  }

  // No others come once it has ended.
  void WaitForSenders() {
    const MutexLock lock(link_.mutex_);
    while (link_.senders_ > 0) link_.changed_.Wait(link_.mutex_);
  }

  void GreetOnce() {
    v1::Hello hello;
    {
      const MutexLock lock(link_.mutex_);
      if (greeted_ || !greeting_.has_value()) return;
      hello = *greeting_;
    }
    absl::Status status = CheckHello(hello, link_.self_);
    if (status.ok() && hello.replica_id() != link_.peer_.value()) {
      status = absl::FailedPreconditionError(absl::StrCat(
          "it is replica ", hello.replica_id(), ": correct `members`"));
    }
    if (!status.ok()) {
      end_.refused = std::string(status.message());
      Cancel();
      return;
    }
    {
      const MutexLock lock(link_.mutex_);
      greeted_ = true;
      if (!ended_ && !cancelled_) link_.conversation_ = this;
    }
    link_.told_gone_ = false;
    link_.back_off_ = kBackOffMin;
    link_.Say("connected to a replica");
    link_.events_.welcomed(hello);
  }

  void CancelIfNeeded(steady_clock::time_point now) {
    if (link_.stopping_) Cancel();
    if (now < next_look_) return;
    next_look_ = now + kLook;
    if (watch_.SilentFor(now) < kSilenceMax) return;
    end_.is_silent = true;
    Cancel();
  }

  void Cancel() {
    {
      const MutexLock lock(link_.mutex_);
      if (cancelled_) return;
      cancelled_ = true;
      link_.conversation_ = nullptr;
    }
    context_.TryCancel();
  }

  PeerLink& link_;
  SilenceWatch watch_;
  grpc::ClientContext context_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::ByteBuffer out_;
  grpc::ByteBuffer in_;
  End end_;
  steady_clock::time_point next_look_;
  // Under the link's mutex.
  bool ended_ = false;
  bool greeted_ = false;
  bool cancelled_ = false;
  std::optional<v1::Hello> greeting_;
  std::optional<grpc::Status> done_;
};

PeerLink::PeerLink(ReplicaSelf self, ReplicaId peer, std::string address,
                   const SharedAddresses& own, PeerLinkEvents events,
                   Logger& logger)
    : self_(self),
      peer_(peer),
      own_(own),
      events_(std::move(events)),
      logger_(logger),
      address_(std::move(address)) {}

PeerLink::~PeerLink() { Stop(); }

void PeerLink::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void PeerLink::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

void PeerLink::Send(replication::Message message) {
  Conversation* conversation = nullptr;
  std::optional<replication::Message> small;
  {
    const MutexLock lock(mutex_);
    queue_.Push(std::move(message));
    // What is being written now is followed by what waits.
    if (!MaySend()) return;
    if (queue_.next_entry_bytes() <= kSentInPlaceMax) {
      conversation = conversation_;
      small = Take();
      ++senders_;
    }
  }
  if (!small.has_value()) {
    changed_.SignalAll();
    return;
  }
  conversation->Write(*std::move(small));
  bool is_over = false;
  {
    const MutexLock lock(mutex_);
    --senders_;
    is_over = conversation_ != conversation;
  }
  if (is_over) changed_.SignalAll();
}

bool PeerLink::MaySend() const {
  return conversation_ != nullptr && !writing_ && !queue_.empty();
}

replication::Message PeerLink::Take() {
  writing_ = true;
  return *queue_.Pop();
}

void PeerLink::SetAddress(const std::string& address) {
  {
    const MutexLock lock(mutex_);
    if (address_ == address) return;
    address_ = address;
    dial_now_ = true;
  }
  changed_.SignalAll();
}

std::string PeerLink::address() const {
  const MutexLock lock(mutex_);
  return address_;
}

void PeerLink::DialNow() {
  {
    const MutexLock lock(mutex_);
    dial_now_ = true;
  }
  changed_.SignalAll();
}

void PeerLink::Loop() {
  while (!stopping_) {
    const milliseconds pause = SpeakOnce();
    {
      const MutexLock lock(mutex_);
      queue_.Clear();
    }
    Pause(pause);
  }
}

milliseconds PeerLink::SpeakOnce() {
  {
    const MutexLock lock(mutex_);
    dial_now_ = false;
  }
  Dialled dialled = Dial(address(), kDialPatience, stopping_);
  if (stopping_) return kBackOffMin;
  if (!dialled.socket.valid()) {
    if (dialled.is_refused) {
      NoteGone(dialled.error);
    } else {
      Say(dialled.error);
    }
    const milliseconds pause = back_off_;
    back_off_ = std::min(2 * back_off_, kBackOffMax);
    return pause;
  }
  Conversation conversation(*this, std::move(dialled.socket));
  const Conversation::End end = conversation.Run();
  if (stopping_) return kBackOffMin;
  if (!end.refused.empty()) {
    SayRefused(end.refused);
    return kBackOffRefused;
  }
  if (end.is_silent) {
    Say("its machine acknowledges nothing");
    return kBackOffMin;
  }
  NoteGone(end.error);
  return kBackOffMin;
}

void PeerLink::NoteGone(const std::string& why) {
  if (std::exchange(told_gone_, true)) return;
  Say(why);
  events_.gone();
}

void PeerLink::Pause(milliseconds pause) {
  const MutexLock lock(mutex_);
  WaitAtMost(changed_, mutex_, pause, [this]() LEDGERD_REQUIRES(mutex_) {
    return stopping_ || dial_now_;
  });
}

void PeerLink::SayRefused(const std::string& why) {
  if (std::exchange(said_, why) == why) return;
  logger_.Warning(
      "another replica refuses this one",
      {{"replica_id", peer_.value()}, {"address", address()}, {"error", why}});
}

void PeerLink::Say(const std::string& what) {
  if (std::exchange(said_, what) == what) return;
  logger_.Info(
      "replica connection",
      {{"replica_id", peer_.value()}, {"address", address()}, {"state", what}});
}

}  // namespace ledgerd::server
