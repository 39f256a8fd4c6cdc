"""Holds what clients and followers were told against the database, and the
database against what it should be."""

import collections
import json
import re
import sqlite3

import clients
import followers

ALLOWED = {"begin": {201, 409}, "end": {204}, "say": {201, 409},
           "ask": {201, 409}, "answer": {201, 409, 422}, "see": {200},
           "change": {200, 409}}
STATUS = re.compile(r'^\{"id":"([^"]*)".*?"status":"([a-z]*)"')
DECIDED = {"approved", "rejected", "answered"}


def most_at_once(spans):
    """Of spans (begin, end), how many hold at one time; what ends as another
    begins is over."""
    steps = sorted([(begin, 1) for begin, _ in spans] +
                   [(end, -1) for _, end in spans])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


class Judge:
    def __init__(self, path, notes, followed, killing):
        self.database = sqlite3.connect(path)
        self.database.row_factory = sqlite3.Row
        self.notes = collections.defaultdict(list)
        for note in notes:
            self.notes[note.kind].append(note)
        self.followed = [f for f in followed
                         if isinstance(f, followers.Followed)]
        self.killing = killing
        self.counts = collections.Counter()
        self.wrong = [note.text for note in notes + followed
                      if getattr(note, "kind", None) == "wrong"]

    def must(self, truth, text):
        if not truth:
            self.wrong.append(text)
        return truth

    def rows(self, query):
        return self.database.execute(query)

    def table(self, query):
        """By their ids."""
        return {row["id"]: row for row in self.rows(query)}

    def judge(self):
        self.sessions = self.table("SELECT * FROM chat_sessions")
        self.requests = self.table("SELECT * FROM feedback_requests")
        self.responses = self.table("SELECT * FROM feedback_responses")
        self.messages = self.table("SELECT * FROM messages")
        self.judge_answers()
        self.judge_promises()
        self.judge_decisions()
        self.judge_responses()
        self.judge_expiry()
        self.judge_bound()
        self.judge_numbers()
        self.judge_events()
        self.judge_followers()
        self.must(self.rows("PRAGMA integrity_check").fetchone()[0] == "ok" and
                  self.rows("PRAGMA foreign_key_check").fetchone() is None,
                  "the database is damaged")
        return self.counts

    def judge_answers(self):
        for kind, allowed in ALLOWED.items():
            for note in self.notes[kind]:
                self.must(note.status in allowed and (
                    note.status != 422 or note.outcome is None),
                    f"{kind} was answered by {note.status}: {note.text}")
                self.counts["tries again"] += max(0, note.tries - 1)
        self.counts["answers"] = len(self.notes["answer"])
        self.counts["messages"] = len(self.notes["say"])
        self.counts["sessions"] = len(self.sessions)
        self.counts["replayed"] = sum(note.replayed for notes in
                                      self.notes.values() for note in notes)

    def judge_promises(self):
        """What was answered by a 201 is there, and nothing besides."""
        for kind, table, text in (
                ("begin", self.sessions, None),
                ("say", self.messages, "content"),
                ("ask", self.requests, "prompt"),
                ("answer", self.responses, "content")):
            promised = [n for n in self.notes[kind] if n.status == 201]
            for note in promised:
                row = table.get(note.told)
                self.must(row is not None and
                          (text is None or row[text] == note.text),
                          f"{kind} {note.told} was promised and is not there")
                self.counts["lost answers"] += row is None
            there = {number for number, row in table.items() if
                     (kind != "answer" or row["is_valid"]) and
                     (kind != "say" or row["type"] != "system")}
            extra = there - {note.told for note in promised}
            self.must(not extra, f"{kind}: {len(extra)} that nobody was told "
                      f"of, such as {sorted(extra)[:3]}")
            own = [note.told for note in promised if not note.replayed]
            self.must(self.killing or len(own) == len(set(own)),
                      f"{kind}: one was promised twice")
        for note in self.notes["end"]:
            self.must(self.sessions[note.session]["ended_at"] is not None,
                      f"session {note.session} was ended and has not")

    def judge_decisions(self):
        """One winner a request, and all who are told its status agree."""
        winners = collections.defaultdict(set)
        for note in self.notes["answer"]:
            status = self.requests[note.request]["status"]
            if note.status == 201:
                winners[note.request].add(note.told)
                self.must(note.outcome == status,
                          f"{note.request} is {status}, and an answer won "
                          f"that makes it {note.outcome}")
            elif note.status == 409:
                self.must(note.told == status,
                          f"{note.request} is {status}, and a 409 said "
                          f"{note.told}")
        for note in self.notes["see"]:
            if note.status != 200:
                continue
            status = self.requests[note.request]["status"]
            self.must(note.told == status, f"{note.request} is {status}, and "
                      f"was seen as {note.told}")
            self.counts["seen"] += 1
        valid = collections.Counter(row["request_id"] for row in
                                    self.responses.values() if row["is_valid"])
        for number, row in self.requests.items():
            wins = row["status"] in DECIDED
            self.counts["winners"] += wins
            self.counts["doubles"] += (len(winners[number]) > 1 or
                                       valid[number] > 1)
            self.must(len(winners[number]) == valid[number] == wins,
                      f"{number} is {row['status']}, {valid[number]} responses"
                      f" are valid, {len(winners[number])} were told so")
            self.must(row["status"] != "pending" and row["decided_at"],
                      f"{number} is still {row['status']}")
            self.counts[row["status"]] += 1

    def judge_responses(self):
        """Late ones and wrong ones are kept, too: each is, once a try."""
        fewest, most = collections.Counter(), collections.Counter()
        for note in self.notes["answer"]:
            if note.status == 201:
                continue
            fewest[note.request] += note.status in (409, 422)
            most[note.request] += note.tries
        kept = collections.Counter(row["request_id"] for row in
                                   self.responses.values()
                                   if not row["is_valid"])
        for number in self.requests:
            self.must(fewest[number] <= kept[number] <= most[number],
                      f"of {number} {kept[number]} responses are kept that are"
                      f" not valid: {fewest[number]} to {most[number]} came")
        self.counts["not valid"] = kept.total()

    def judge_expiry(self):
        """Whoever was in time was before the end; who was not, was told so in
        the chat, once."""
        said = collections.Counter(
            row["content"] for row in self.messages.values()
            if row["type"] == "system" and row["content"].startswith("Nobody"))
        for number, row in self.requests.items():
            times = said.pop(f"Nobody answered in time: {row['prompt']}", 0)
            expired = row["status"] == "expired"
            self.must(times == expired, f"{number} is {row['status']}, and "
                      f"{times} messages say that it expired")
            self.must(not expired or row["decided_at"] == row["expires_at"],
                      f"{number} expired at {row['expires_at']}, and was "
                      f"decided at {row['decided_at']}")
        self.must(not said, f"messages of no request: {said}")
        for row in self.responses.values():
            request = self.requests[row["request_id"]]
            self.must(not row["is_valid"] or
                      row["created_at"] < request["expires_at"],
                      f"{row['id']} was too late, and is valid")
            self.must(row["is_valid"] or request["status"] != "expired" or
                      row["created_at"] >= request["expires_at"] or
                      row["content"].startswith("as I said") or
                      row["content"] in clients.COLOURS,
                      f"{row['id']} was in time, and is not valid")

    def judge_bound(self):
        begun, ended = {}, {}
        for note in self.notes["begin"]:
            if note.status == 201:
                begun[note.told] = note
        for note in self.notes["end"]:
            ended[note.session] = note
        for user in {note.user for note in begun.values()}:
            ids = [n.told for n in begun.values() if n.user == user]
            told = most_at_once([(begun[i].came, ended[i].sent) for i in ids
                                 if i in ended])
            kept = most_at_once([(self.sessions[i]["created_at"],
                                  self.sessions[i]["ended_at"]) for i in ids
                                 if i in ended])
            self.counts["fourth sessions"] += max(told, kept) > clients.MOST
            self.must(max(told, kept) <= clients.MOST,
                      f"{user} had {told} sessions at once, or {kept}")
            self.must(all(i in ended for i in ids),
                      f"{user} has sessions that were not ended")

    def judge_numbers(self):
        """From 1 to what the session says, without a gap."""
        for name in "messages", "feedback_requests", "events":
            last = "requests" if name == "feedback_requests" else name
            numbers = {row["session_id"]: row for row in self.rows(
                f"SELECT session_id, count(*) AS n, min(number) AS least, "
                f"max(number) AS most FROM {name} GROUP BY session_id")}
            for session, row in self.sessions.items():
                have = numbers.get(session, {"n": 0, "least": 1, "most": 0})
                self.must(have["least"] == 1 and
                          have["n"] == have["most"] == row[last],
                          f"{name} of {session}: {tuple(have)}, {row[last]}")

    def judge_events(self):
        """Each thing that happened is told once, and each end of a pause."""
        told = collections.Counter()
        session, pending, resume, ended = None, set(), False, False
        for row in self.rows(
                "SELECT session_id, type, substr(payload, 1, 400) AS payload "
                "FROM events ORDER BY session_id, number"):
            if row["session_id"] != session:
                self.must(not resume and not pending and (ended or not session),
                          f"the events of {session} end too early")
                session, pending, resume = row["session_id"], set(), False
                ended = False
                self.must(row["type"] == "session_started",
                          f"{session} begins with {row['type']}")
            told[row["type"]] += 1
            self.must(resume == (row["type"] == "session_resumed"),
                      f"{row['type']} of {session}, where session_resumed "
                      f"{'should be' if resume else 'should not be'}")
            resume = False
            ended = ended or row["type"] == "session_ended"
            if not row["type"].startswith("feedback_"):
                continue
            number, status = STATUS.match(row["payload"]).groups()
            if status == "pending" and row["type"] == "feedback_request":
                pending.add(number)
            elif status != "pending" and number in pending:
                pending.remove(number)
                told[status] += 1
                resume = not pending and status != "cancelled"
        self.must(not resume and not pending and ended,
                  f"the events of {session} end too early")
        for name, n in (("message", len(self.messages)),
                        ("feedback_response", len(self.responses)),
                        ("session_started", len(self.sessions)),
                        ("session_ended", len(self.sessions)),
                        *((status, self.counts[status]) for status in
                          DECIDED | {"expired", "cancelled"})):
            self.must(told[name] == n, f"{n} {name}, and {told[name]} events")
        self.counts["events"] = sum(told[name] for name in told
                                    if name not in DECIDED |
                                    {"expired", "cancelled"})
        self.counts["resumed"] = told["session_resumed"]

    def judge_followers(self):
        """What they saw is what is there, up to the end of the session."""
        for followed in self.followed:
            self.wrong += followed.wrong
            last = followed.events[-1][0] if followed.events else 0
            there = [(row["number"], row["type"], row["payload"]) for row in
                     self.rows(f"SELECT number, type, payload FROM events "
                               f"WHERE session_id = '{followed.session}' AND "
                               f"number > {followed.first} AND "
                               f"number <= {last} ORDER BY number")]
            self.must([(number, name, followers.sum_of(json.loads(payload)))
                       for number, name, payload in there] == followed.events,
                      f"the events of {followed.session} are not those that "
                      f"a follower saw")
            self.counts["followed"] += len(followed.events)
            for name in ("lost", "repeated", "polls", "streams", "broken",
                         "refused"):
                self.counts[name] += getattr(followed, name)
        self.counts["followed sessions"] = len(self.followed)
