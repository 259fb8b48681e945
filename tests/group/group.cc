#include "tests/group/group.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"

namespace ledgerd::group {
namespace {

namespace fs = std::filesystem;

using replication::CheckpointOrder;
using replication::Message;
using replication::Role;

constexpr uint64_t kSegmentBytes = uint64_t{64} << 10;
constexpr ClusterId kCluster(0xC1);

std::string NewDirectory() {
  static int count = 0;
  const char* base = std::getenv("TEST_TMPDIR");
  fs::path path = base != nullptr ? base : fs::temp_directory_path();
  path /= absl::StrCat("group", ++count);
  fs::remove_all(path);
  fs::create_directories(path);
  return path.string();
}

replication::Deadline InAMinute() {
  return std::chrono::steady_clock::now() + std::chrono::minutes(1);
}

absl::Status Move(const storage::ExportedCheckpoint& files,
                  storage::CheckpointReceiver& receiver) {
  auto at = receiver.Begin(files.manifest());
  while (at.ok() && at->file < files.manifest().files.size()) {
    const auto chunk = files.Read(*at, storage::kCheckpointChunkBytes);
    if (!chunk.ok()) return chunk.status();
    at = receiver.Add(*at, *chunk, Sha256(*chunk));
  }
  return at.ok() ? receiver.Finish() : at.status();
}

}  // namespace

void WaitUntil(const std::string& what, const std::function<bool()>& holds) {
  // Nobody tells of it: it is looked at often.
  Mutex mutex;
  CondVar changed;
  const MutexLock lock(mutex);
  const auto until = InAMinute();
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) {
      ADD_FAILURE() << "not within a minute: " << what;
      return;
    }
    changed.WaitFor(mutex, std::chrono::milliseconds(1));
  }
}

// ---- Network

void Network::Attach(Node& node) {
  const MutexLock lock(mutex_);
  nodes_[node.id()] = &node;
}

void Network::Detach(Node& node) {
  const MutexLock carrying(carrying_);
  const MutexLock lock(mutex_);
  nodes_.erase(node.id());
  for (const auto& [id, other] : nodes_) {
    if (isolated_.contains(id)) continue;
    other->replica().Deliver(replication::ConnectionBroken{node.id()});
  }
}

void Network::Isolate(ReplicaId id, bool isolated) {
  const MutexLock lock(mutex_);
  if (isolated) {
    isolated_.insert(id);
  } else {
    isolated_.erase(id);
  }
}

Node* Network::Find(ReplicaId from, ReplicaId to) {
  const auto node = nodes_.find(to);
  const bool lost = node == nodes_.end() || !nodes_.contains(from) ||
                    isolated_.contains(from) || isolated_.contains(to);
  return lost ? nullptr : node->second;
}

void Network::Send(const Message& message) {
  const MutexLock lock(mutex_);
  Node* const to = Find(message.from, message.to);
  if (to != nullptr) to->replica().Deliver(replication::Received{message});
}

void Network::Carry(Node& from, const CheckpointOrder& order) {
  const MutexLock carrying(carrying_);
  Node* to = nullptr;
  bool here = false;
  {
    const MutexLock lock(mutex_);
    to = Find(from.id(), order.to);
    here = nodes_.contains(from.id());
  }
  if (!here) return;
  if (to != nullptr) {
    const auto sent = from.replica().ExportCheckpoint();
    absl::Status status = sent.status();
    if (status.ok()) {
      status = Move(*sent->files, to->replica().checkpoint_receiver());
    }
    if (status.ok()) {
      const storage::AppliedPoint& applied = sent->files->manifest().applied;
      to->replica().Deliver(
          replication::CheckpointReceived{from.id(), order.epoch, applied.entry,
                                          applied.timestamp, sent->membership});
    } else {
      ADD_FAILURE() << status;
    }
  }
  from.replica().Deliver(replication::CheckpointSent{order.to});
}

// ---- Node

Node::Node(ReplicaId id, const std::string& path, std::vector<ReplicaId> voters,
           Network& network)
    : id_(id), path_(path), network_(network) {
  storage::DataDir::FormatOptions format;
  format.cluster = kCluster;
  format.replica = id;
  format.members = storage::FirstMembership(std::move(voters)).members;
  format.segment_bytes = kSegmentBytes;
  format.reserve_bytes = 4096;
  LEDGERD_CHECK_OK(storage::DataDir::Format(path_, format));
}

Node::~Node() {
  if (is_open()) Close();
}

void Node::Open() {
  auto dir = storage::DataDir::Open(path_, {});
  LEDGERD_CHECK_OK(dir.status());
  dir_ = *std::move(dir);
  auto journal =
      dir_->OpenJournal({.segment_bytes = kSegmentBytes, .retention_bytes = 0});
  LEDGERD_CHECK_OK(journal.status());
  journal_ = *std::move(journal);
  storage::RocksDbStateStore::Options options;
  options.database.reserve_bytes = 0;
  options.cluster = kCluster;
  auto store = storage::ReplaceableStateStore::Open(
      dir_->state_path(), options,
      {.incoming = dir_->incoming_path(),
       .checkpoint = journal_->superblock().checkpoint.sequence});
  LEDGERD_CHECK_OK(store.status());
  store_ = *std::move(store);
  replication::ReplicaThreadsOptions threads;
  threads.replica.self = id_;
  threads.replica.checkpoint.events = 64;
  threads.on_halt = [this](const absl::Status& fault) {
    ADD_FAILURE() << "replica " << id_.value() << " has halted: " << fault;
  };
  replication::Transport* const transport = this;
  replica_ = std::make_unique<replication::ReplicaThreads>(
      threads, *journal_, *store_, machine_, clock_, transport);
  LEDGERD_CHECK_OK(replica_->Start());
  network_.Attach(*this);
}

void Node::Close() {
  network_.Detach(*this);
  EXPECT_TRUE(replica_->Stop(std::chrono::seconds(30)).ok());
  for (std::thread& carrier : carriers_) carrier.join();
  carriers_.clear();
  replica_ = nullptr;
  store_ = nullptr;
  journal_ = nullptr;
  dir_ = nullptr;
}

void Node::Send(Message message) { network_.Send(message); }

void Node::SendCheckpoint(CheckpointOrder order) {
  carriers_.emplace_back([this, order] { network_.Carry(*this, order); });
}

absl::StatusOr<EntryResult> Node::CreateAccount(uint64_t id) {
  std::vector<Account> accounts(1);
  accounts[0].id = AccountId(id);
  auto answer = std::make_shared<std::promise<absl::StatusOr<EntryResult>>>();
  auto result = answer->get_future();
  replication::Proposal proposal;
  proposal.command = MakeCommand<Account>(EntryKind::kCreateAccounts, accounts);
  proposal.deadline = InAMinute();
  proposal.done = [answer](absl::StatusOr<EntryResult> what) {
    answer->set_value(std::move(what));
  };
  const absl::Status taken = replica_->Propose(std::move(proposal));
  return taken.ok() ? result.get() : taken;
}

std::vector<std::string> Node::Files(const std::string& directory) const {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(path_ + "/" + directory)) {
    names.push_back(file.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// ---- Group

Group::Group(uint64_t voters) : path_(NewDirectory()) {
  for (uint64_t id = 1; id <= voters; ++id) {
    nodes_.push_back(std::make_unique<Node>(
        ReplicaId(id), absl::StrCat(path_, "/", id), Voters(voters), network_));
  }
}

std::vector<ReplicaId> Group::Voters(uint64_t count) const {
  std::vector<ReplicaId> voters;
  for (uint64_t id = 1; id <= count; ++id) voters.emplace_back(id);
  return voters;
}

Node& Group::AddNode() {
  const uint64_t id = nodes_.size() + 1;
  nodes_.push_back(std::make_unique<Node>(ReplicaId(id),
                                          absl::StrCat(path_, "/", id),
                                          std::vector<ReplicaId>{}, network_));
  nodes_.back()->Open();
  return *nodes_.back();
}

void Group::OpenAll() {
  for (const auto& node : nodes_) node->Open();
}

Node& Group::WaitForPrimary() {
  Node* primary = nullptr;
  WaitUntil("a primary", [&] {
    Epoch epoch;
    primary = nullptr;
    for (const auto& node : nodes_) {
      if (!node->is_open()) continue;
      const auto status = node->status();
      if (status.epoch < epoch) continue;
      // One that has promised more may be primary soon.
      if (status.epoch > epoch) primary = nullptr;
      epoch = status.epoch;
      if (status.role == Role::kPrimary) primary = node.get();
    }
    return primary != nullptr;
  });
  LEDGERD_CHECK(primary != nullptr);
  return *primary;
}

Node& Group::WaitForStandby() {
  Node* standby = nullptr;
  WaitUntil("a standby", [&] {
    for (const auto& node : nodes_) {
      const bool is_one =
          node->is_open() && node->status().role == Role::kStandby;
      if (is_one) standby = node.get();
    }
    return standby != nullptr;
  });
  LEDGERD_CHECK(standby != nullptr);
  return *standby;
}

void Group::Write(uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t id = ++accounts_;
    WaitUntil("an account",
              [&] { return WaitForPrimary().CreateAccount(id).ok(); });
  }
}

void Group::WaitUntilEqual() {
  WaitUntil("equal states", [&] {
    std::vector<replication::ReplicaStatus> all;
    Sequence commit;
    for (const auto& node : nodes_) {
      if (!node->is_open()) continue;
      all.push_back(node->status());
      commit = std::max(commit, all.back().commit.sequence);
    }
    return std::all_of(all.begin(), all.end(), [&](const auto& status) {
      return status.applied == commit &&
             status.state_hash == all.front().state_hash;
    });
  });
}

}  // namespace ledgerd::group
