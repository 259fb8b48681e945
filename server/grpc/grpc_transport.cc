#include "server/grpc/grpc_transport.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "replication/wire.h"
#include "server/grpc/checkpoint_fetch.h"
#include "server/grpc/incident_sender.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

constexpr std::chrono::seconds kDialPatience{1};
constexpr int kFrameBytesMax = 1 << 20;

}  // namespace

GrpcTransport::GrpcTransport(GrpcTransportOptions options,
                             SharedAddresses& addresses, Logger& logger)
    : options_(std::move(options)), addresses_(addresses), logger_(logger) {}

GrpcTransport::~GrpcTransport() { Stop(); }

absl::Status GrpcTransport::Start(TransportEnds ends) {
  ends_ = std::move(ends);
  service_.emplace(MakeHost());
  GrpcServerOptions port;
  port.listener = options_.listener;
  port.listener.connections_max = kConnectionsMax;
  port.services = {&*service_};
  port.message_bytes_max = replication::kWireMessageBytesMax;
  port.frame_bytes_max = kFrameBytesMax;
  // Before anybody asks, if it is known.
  ShareOwnAddress(options_.own_address);
  LEDGERD_ASSIGN_OR_RETURN(port_, GrpcServer::Start(port));
  if (options_.own_address.empty()) ShareOwnAddress(port_->address());
  const MutexLock lock(mutex_);
  started_ = true;
  for (const auto& [replica, address] : options_.addresses) {
    SpeakTo(replica, address);
  }
  return absl::OkStatus();
}

void GrpcTransport::ShareOwnAddress(const std::string& address) {
  ReplicaAddresses own = addresses_.Get();
  own.replication = address;
  own.incarnation = options_.self.incarnation;
  addresses_.Set(own);
  addresses_.Learn(options_.self.replica, own);
}

void GrpcTransport::Stop() {
  stopping_ = true;
  std::map<ReplicaId, Peer> peers;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    peers.swap(peers_);
  }
  for (auto& [replica, peer] : peers) {
    peer.sender->Stop();
    peer.link->Stop();
  }
  if (port_ != nullptr) port_->Shutdown(std::chrono::milliseconds(0));
}

std::string GrpcTransport::address() const { return port_->address(); }

bool GrpcTransport::IsConfigured(ReplicaId replica) const {
  return options_.addresses.contains(replica);
}

void GrpcTransport::Follow(const Membership& membership, bool is_primary) {
  std::vector<Peer> left;
  {
    const MutexLock lock(mutex_);
    is_primary_ = is_primary;
    membership_ = membership;
    for (const Member& member : membership_.members) {
      SpeakTo(member.id, addresses_.Of(member.id).replication);
    }
    if (!is_primary_) return;
    for (auto at = peers_.begin(); at != peers_.end();) {
      const bool stays =
          IsConfigured(at->first) || membership_.Find(at->first) != nullptr;
      if (!stays) left.push_back(std::move(at->second));
      at = stays ? std::next(at) : peers_.erase(at);
    }
  }
  // Their threads are waited for, and may be waiting for the mutex.
  left.clear();
}

void GrpcTransport::SpeakTo(ReplicaId replica, const std::string& address) {
  if (!started_ || stopped_ || replica == options_.self.replica) return;
  const auto configured = options_.addresses.find(replica);
  const std::string& at =
      configured == options_.addresses.end() ? address : configured->second;
  if (at.empty()) return;
  if (const auto known = peers_.find(replica); known != peers_.end()) {
    known->second.link->SetAddress(at);
    return;
  }
  if (peers_.size() >= kLinksMax) return;
  Peer& peer = peers_[replica];
  PeerLinkEvents events;
  events.welcomed = [this](const v1::Hello& hello) { Note(hello); };
  events.gone = [this, replica] {
    ends_.deliver(replication::ConnectionBroken{replica});
  };
  peer.link = std::make_shared<PeerLink>(options_.self, replica, at, addresses_,
                                         std::move(events), logger_);
  CheckpointSenderOptions sender;
  sender.hello = [this, replica] {
    return MakeHello(options_.self, addresses_.Get(), replica);
  };
  sender.newest = ends_.newest_checkpoint;
  sender.ended = [this, replica] {
    ends_.deliver(replication::CheckpointSent{replica});
  };
  peer.sender = std::make_unique<CheckpointSender>(std::move(sender), logger_);
  peer.link->Start();
}

void GrpcTransport::Send(replication::Message message) {
  std::shared_ptr<PeerLink> link;
  {
    const MutexLock lock(mutex_);
    const auto peer = peers_.find(message.to);
    if (peer == peers_.end()) return;
    link = peer->second.link;
  }
  link->Send(std::move(message));
}

absl::StatusOr<PeerCall> GrpcTransport::CallTo(ReplicaId replica,
                                               Deadline deadline) {
  std::string address;
  {
    const MutexLock lock(mutex_);
    const auto peer = peers_.find(replica);
    if (peer == peers_.end()) {
      return absl::UnavailableError(absl::StrCat(
          "it is not known where replica ", replica.value(), " is"));
    }
    address = peer->second.link->address();
  }
  return PeerCall{std::move(address),
                  MakeHello(options_.self, addresses_.Get(), replica), deadline,
                  stopping_};
}

absl::Status GrpcTransport::BringIncidents(
    ReplicaId primary, const std::vector<Incident>& incidents) {
  LEDGERD_ASSIGN_OR_RETURN(
      const PeerCall call,
      CallTo(primary, std::chrono::steady_clock::now() + kIncidentPatience));
  return server::BringIncidents(call.address, call.hello, incidents, stopping_);
}

absl::StatusOr<replication::StateMark> GrpcTransport::StateOf(
    ReplicaId replica, Sequence sequence, Deadline deadline) {
  LEDGERD_ASSIGN_OR_RETURN(const PeerCall call, CallTo(replica, deadline));
  return AskStateHash(call, sequence);
}

absl::StatusOr<std::vector<Entry>> GrpcTransport::EntriesOf(ReplicaId replica,
                                                            Sequence from,
                                                            Sequence through,
                                                            Deadline deadline) {
  LEDGERD_ASSIGN_OR_RETURN(const PeerCall call, CallTo(replica, deadline));
  return AskEntries(call, from, through);
}

absl::StatusOr<EntryId> GrpcTransport::CheckpointOf(
    ReplicaId replica, Sequence at_least, storage::CheckpointReceiver& receiver,
    const std::stop_token& stop) {
  LEDGERD_ASSIGN_OR_RETURN(
      const PeerCall call,
      CallTo(replica, std::chrono::steady_clock::now() + kDialPatience));
  return FetchCheckpoint(call, at_least, receiver, stop);
}

void GrpcTransport::SendCheckpoint(replication::CheckpointOrder order) {
  const MutexLock lock(mutex_);
  const auto peer = peers_.find(order.to);
  if (peer == peers_.end()) return;
  peer->second.sender->Send(order, peer->second.link->address());
}

ReplicationHost GrpcTransport::MakeHost() {
  ReplicationHost host;
  host.admit = [this](const v1::Hello& hello) { return Admit(hello); };
  host.hello = [this](ReplicaId to) {
    return MakeHello(options_.self, addresses_.Get(), to);
  };
  host.deliver = [this](replication::Event event) {
    ends_.deliver(std::move(event));
  };
  host.journal_incidents = ends_.journal_incidents;
  host.state_at = ends_.state_at;
  host.entries = ends_.entries;
  host.checkpoint = ends_.checkpoint;
  host.receiver = ends_.receiver;
  return host;
}

absl::Status GrpcTransport::Admit(const v1::Hello& hello) {
  absl::Status status = CheckHello(hello, options_.self);
  const ReplicaId replica(hello.replica_id());
  if (status.ok()) {
    addresses_.Learn(replica, AddressesOf(hello));
    const MutexLock lock(mutex_);
    status = CheckMember(replica, Incarnation(hello.incarnation()));
  }
  if (status.ok()) {
    Note(hello);
    return status;
  }
  const std::string why(status.message());
  bool is_new = false;
  {
    const MutexLock lock(mutex_);
    // Ids are whatever somebody says: they may not fill the memory.
    if (refused_.size() >= kLinksMax) refused_.clear();
    is_new = std::exchange(refused_[replica], why) != why;
  }
  if (is_new) logger_.Warning("another replica is refused", {{"error", why}});
  return status;
}

absl::Status GrpcTransport::CheckMember(ReplicaId replica,
                                        Incarnation incarnation) const {
  const Member* member = membership_.Find(replica);
  if (!is_primary_ || membership_.members.empty()) return absl::OkStatus();
  if (member == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "replica ", replica.value(),
        " is no member of this group: add it with `ledgerctl replica add`"));
  }
  if (member->incarnation == incarnation) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "replica ", replica.value(), " comes as incarnation ",
      incarnation.value(), ", the group's is ", member->incarnation.value(),
      ": its disk is another one; remove it from the group and add it again"));
}

// Two processes of one id say two addresses, one at least not the configured.
void GrpcTransport::CompareAddress(ReplicaId replica,
                                   const std::string& address) {
  const auto configured = options_.addresses.find(replica);
  if (configured == options_.addresses.end() || address.empty() ||
      configured->second == address ||
      std::exchange(elsewhere_[replica], address) == address) {
    return;
  }
  logger_.Warning(
      "a replica says that it is elsewhere than `members` says",
      {{"replica_id", replica.value()},
       {"it_says", address},
       {"members", configured->second},
       {"what",
        "the address of `members` is used. If it is not the same process, two "
        "of them have this id: stop the one whose data directory is a copy. "
        "Else give all replicas the same `members`"}});
}

void GrpcTransport::Note(const v1::Hello& hello) {
  const ReplicaId replica(hello.replica_id());
  addresses_.Learn(replica, AddressesOf(hello));
  const MutexLock lock(mutex_);
  refused_.erase(replica);
  CompareAddress(replica, hello.replication_address());
  SpeakTo(replica, hello.replication_address());
  const auto peer = peers_.find(replica);
  if (peer != peers_.end()) peer->second.link->DialNow();
}

}  // namespace ledgerd::server
