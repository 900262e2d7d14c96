// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/master_switch.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr char kName[] = "broker-a";
constexpr int64_t kEnd = 100 << 20;

GroupMember Member(BrokerId id, const std::string& address) {
  GroupMember member{.id = id, .address = *ParseEndpoint(address), .name = kName, .changes_role = true};
  member.role = id == kMasterId ? "SYNC_MASTER" : "SLAVE";
  return member;
}

GroupMember Master(const std::string& address = "10.0.0.1:10911") {
  GroupMember master = Member(kMasterId, address);
  master.replication.master = true;
  master.replication.master_commit_log_max_offset = kEnd;
  return master;
}

GroupMember Slave(BrokerId id, const std::string& address, int64_t log_end = kEnd) {
  GroupMember slave = Member(id, address);
  slave.replication.ha_client_runtime_info.activated = true;
  slave.replication.ha_client_runtime_info.max_offset = log_end;
  return slave;
}

GroupMember Dead(GroupMember member) {
  member.reached = Status(StatusCode::kUnavailable, "cannot connect");
  member.replication = {};
  return member;
}

void Connect(GroupMember& master, const std::string& from, int64_t behind, bool in_sync = true,
             int64_t behind_ms = 0) {
  master.replication.ha_connection_info.push_back(
      {.addr = from, .diff = behind, .in_sync = in_sync, .lag_millis = behind_ms});
}

std::string Refusal(const std::vector<GroupMember>& members, const SwitchWish& wish = {}) {
  const auto plan = PlanSwitch(kName, members, wish);
  return plan.ok() ? "" : std::string(plan.status().text());
}

TEST(MasterSwitch, OnlySlave_GetsTheMastersRole) {
  GroupMember master = Master();
  Connect(master, "10.0.0.2:40000", 100);
  const std::vector<GroupMember> members{master, Slave(1, "10.0.0.2:10911")};
  const auto plan = PlanSwitch(kName, members, {});
  ASSERT_TRUE(plan.ok()) << plan.status().text();
  EXPECT_EQ(plan->master, 0u);
  EXPECT_EQ(plan->target, 1u);
  EXPECT_EQ(plan->role, "SYNC_MASTER");
  EXPECT_EQ(plan->loss, "");
  EXPECT_EQ(PlanSwitch(kName, members, {.role = "ASYNC_MASTER"})->role, "ASYNC_MASTER");
}

TEST(MasterSwitch, Target_ByIdOrAddress) {
  const std::vector<GroupMember> members{Master(), Slave(1, "10.0.0.2:10911"), Slave(5, "10.0.0.3:10911", 7)};
  EXPECT_EQ(PlanSwitch(kName, members, {.target = "1"})->target, 1u);
  EXPECT_EQ(PlanSwitch(kName, members, {.target = "10.0.0.2:10911"})->target, 1u);
  EXPECT_NE(Refusal(members, {.target = "2"}).find("it has: 1 10.0.0.2:10911, 5 10.0.0.3:10911"),
            std::string::npos);
  EXPECT_NE(Refusal(members, {.target = "10.0.0.1:10911"}).find("is the master of"), std::string::npos);
  EXPECT_TRUE(IsUsageError(PlanSwitch(kName, members, {.target = "x"}).status()));
  // Named, it must be in step nevertheless.
  EXPECT_NE(Refusal(members, {.target = "5"}).find("not in step"), std::string::npos);
}

TEST(MasterSwitch, ManySlaves_TheOneInStepWithTheLongestLog) {
  const std::vector<GroupMember> members{Master(), Slave(1, "10.0.0.2:10911", kEnd - 20),
                                         Slave(2, "10.0.0.3:10911", kEnd - 10),
                                         Dead(Slave(3, "10.0.0.4:10911"))};
  EXPECT_EQ(PlanSwitch(kName, members, {})->target, 2u);
  const std::string none =
      Refusal({Master(), Slave(1, "10.0.0.2:10911", 3), Dead(Slave(2, "10.0.0.3:10911"))});
  EXPECT_NE(none.find("10.0.0.2:10911 is not in step"), std::string::npos) << none;
  EXPECT_NE(none.find("cannot connect"), std::string::npos) << none;
}

TEST(MasterSwitch, WhatTheMasterSaysOfTheSlave_Counts) {
  for (const auto& [behind, in_sync, behind_ms, fits] :
       {std::tuple{proto::kInStepBytesMax, true, proto::kInStepMillisMax, true},
        {proto::kInStepBytesMax + 1, true, int64_t{0}, false},
        {int64_t{5721}, true, proto::kInStepMillisMax + 1, false},
        {int64_t{0}, false, int64_t{0}, false}}) {
    GroupMember master = Master();
    Connect(master, "10.0.0.2:40000", behind, in_sync, behind_ms);
    const std::string refusal = Refusal({master, Slave(1, "10.0.0.2:10911")});
    EXPECT_EQ(refusal.empty(), fits) << behind;
    EXPECT_EQ(refusal.find("mqadmin haStatus -b 10.0.0.1:10911") == std::string::npos, fits) << refusal;
  }
}

TEST(MasterSwitch, ConnectionsOfOneHost_TellNothing) {
  // Which of the two is behind is for their own ends to say.
  GroupMember master = Master();
  Connect(master, "10.0.0.2:40000", kEnd, false);
  Connect(master, "10.0.0.2:40001", 0);
  EXPECT_EQ(Refusal({master, Slave(1, "10.0.0.2:10911")}), "");
  GroupMember shared = Master();
  Connect(shared, "10.0.0.2:40000", 0);
  const std::vector<GroupMember> members{shared, Slave(1, "10.0.0.2:10911", 5), Slave(2, "10.0.0.2:10921")};
  EXPECT_NE(Refusal(members, {.target = "1"}).find("not in step"), std::string::npos);
  EXPECT_EQ(PlanSwitch(kName, members, {})->target, 2u);
}

TEST(MasterSwitch, SlaveThatDoesNotFollow_IsRefusedAlsoBeforeTheFirstMessage) {
  GroupMember master = Master();
  GroupMember slave = Slave(1, "10.0.0.2:10911");
  slave.replication.ha_client_runtime_info.activated = false;
  EXPECT_NE(Refusal({master, slave}).find("does not follow its master"), std::string::npos);
  master.replication.master_commit_log_max_offset = 0;
  slave.replication.ha_client_runtime_info.max_offset = 0;
  EXPECT_NE(Refusal({master, slave}).find("does not follow its master"), std::string::npos);
  slave.replication.ha_client_runtime_info.activated = true;
  EXPECT_EQ(Refusal({master, slave}), "");
}

TEST(MasterSwitch, NothingToSwitchTo_SaysWhatToDo) {
  EXPECT_NE(Refusal({Master()}).find("brokerRole=SLAVE and a brokerId above 0"), std::string::npos);
  GroupMember rival = Master();
  rival.replication.master = false;
  const std::string rivals = Refusal({rival, Slave(1, "10.0.0.2:10911")});
  EXPECT_NE(rivals.find("says that it does not lead"), std::string::npos) << rivals;
  GroupMember early = Slave(1, "10.0.0.2:10911");
  early.replication.master = true;
  EXPECT_NE(Refusal({early}, {.force = true}).find("leads already"), std::string::npos);
  const auto unreached = PlanSwitch(kName, std::vector{Master(), Dead(Slave(1, "10.0.0.2:10911"))}, {});
  EXPECT_TRUE(AdminClient::Unreachable(unreached.status())) << unreached.status().text();
}

TEST(MasterSwitch, SlaveThatHearsTheMaster_SaysWhatToDoHere) {
  const Status alive(StatusCode::kInternal, "this slave follows a master that is alive (10.0.0.1:10912)");
  const std::string told(NotTakenOver(kName, alive).text());
  EXPECT_NE(told.find("has no new master"), std::string::npos) << told;
  EXPECT_NE(told.find("without --force"), std::string::npos) << told;
  EXPECT_NE(told.find("end its process first"), std::string::npos) << told;
  const Status other(StatusCode::kInternal, "the role was not changed: no");
  EXPECT_EQ(NotTakenOver(kName, other).text(),
            StrCat("the role was not changed: no. ", kName, " has no new master"));
}

TEST(MasterSwitch, SlaveThatDoesNotAnswer_NothingWasChanged) {
  const std::string told = Refusal({Master(), Dead(Slave(1, "10.0.0.2:10911"))});
  EXPECT_NE(told.find("nothing was changed"), std::string::npos) << told;
}

TEST(MasterSwitch, ApachesBroker_IsNotAsked) {
  GroupMember master = Master();
  GroupMember slave = Slave(1, "10.0.0.2:10911");
  slave.changes_role = false;
  EXPECT_NE(Refusal({master, slave}).find("10.0.0.2:10911 is no broker of OrbitMQ"), std::string::npos);
  EXPECT_NE(Refusal({slave}, {.force = true}).find("is no broker of OrbitMQ"), std::string::npos);
  slave.changes_role = true;
  master.changes_role = false;
  EXPECT_NE(Refusal({master, slave}).find("10.0.0.1:10911 is no broker of OrbitMQ"), std::string::npos);
}

TEST(MasterSwitch, DeadMaster_OnlyByForce_LongestLog) {
  const std::vector<GroupMember> members{Dead(Master()), Slave(1, "10.0.0.2:10911", 10),
                                         Slave(2, "10.0.0.3:10911", 30), Dead(Slave(3, "10.0.0.4:10911"))};
  const std::string refusal = Refusal(members);
  EXPECT_NE(refusal.find("does not answer: cannot connect"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("10.0.0.3:10911 the master with --force"), std::string::npos) << refusal;
  EXPECT_FALSE(AdminClient::Unreachable(PlanSwitch(kName, members, {}).status()));
  const auto plan = PlanSwitch(kName, members, {.force = true});
  ASSERT_TRUE(plan.ok()) << plan.status().text();
  EXPECT_FALSE(plan->master);
  EXPECT_EQ(plan->target, 2u);
  EXPECT_EQ(plan->role, "ASYNC_MASTER");
  EXPECT_NE(plan->loss.find("its log ends at 30"), std::string::npos) << plan->loss;
  EXPECT_NE(plan->loss.find("made in its last 5 s"), std::string::npos) << plan->loss;
  const auto named = PlanSwitch(kName, members, {.target = "1", .role = "SYNC_MASTER", .force = true});
  ASSERT_TRUE(named.ok()) << named.status().text();
  EXPECT_EQ(named->role, "SYNC_MASTER");
  EXPECT_NE(named->loss.find("10.0.0.3:10911 has more, up to 30, and drops it"), std::string::npos)
      << named->loss;
  // With a master that is alive it changes nothing.
  EXPECT_NE(Refusal({Master(), Slave(1, "10.0.0.2:10911", 10)}, {.force = true}).find("not in step"),
            std::string::npos);
}

TEST(MasterSwitch, Rejoin_TakesTheFirstFreeId) {
  GroupMember returning = Member(kMasterId, "10.0.0.1:10911");
  returning.replication.master_commit_log_max_offset = kEnd;
  const GroupMember leader = Master("10.0.0.2:10911");
  const std::vector<GroupMember> members{leader, Slave(1, "10.0.0.3:10911"), Slave(3, "10.0.0.4:10911")};
  EXPECT_EQ(*PlanRejoin(kName, members, returning), 2);
  const auto refusal = [&](const std::vector<GroupMember>& group, const GroupMember& who) {
    const auto id = PlanRejoin(kName, group, who);
    return id.ok() ? std::string() : std::string(id.status().text());
  };
  EXPECT_NE(refusal({Dead(leader)}, returning).find("no other master"), std::string::npos);
  EXPECT_NE(refusal({Slave(1, "10.0.0.3:10911")}, returning).find("no other master"), std::string::npos);
  EXPECT_NE(refusal(members, leader).find("leads broker-a"), std::string::npos);
  EXPECT_NE(refusal(members, members[1]).find("is a slave already"), std::string::npos);
  GroupMember other = returning;
  other.name = "broker-b";
  EXPECT_NE(refusal(members, other).find("is called broker-b, not broker-a"), std::string::npos);
  other = returning;
  other.changes_role = false;
  EXPECT_NE(refusal(members, other).find("is no broker of OrbitMQ"), std::string::npos);
  EXPECT_NE(refusal(members, Dead(returning)).find("cannot connect"), std::string::npos);
}

TEST(MasterSwitch, RefusalsThatPass) {
  const auto said = [](std::string_view text, int code) {
    return RefusesForNow(Status(StatusCode::kInternal, text).WithWireCode(code));
  };
  constexpr int kError = proto::ResponseCode::kSystemError;
  EXPECT_TRUE(said("this slave follows a master that is alive (x)", kError));
  EXPECT_TRUE(said("this slave heals its log; ask again when it follows", kError));
  EXPECT_TRUE(said("the broker is still starting; ask again in a moment", kError));
  EXPECT_TRUE(said("busy", proto::ResponseCode::kSystemBusy));
  EXPECT_FALSE(said("the role was not changed: no space", kError));
  EXPECT_FALSE(RefusesForNow(Status()));
}

}  // namespace
}  // namespace orbitmq::tools
