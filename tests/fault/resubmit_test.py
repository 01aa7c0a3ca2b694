#!/usr/bin/env python3
"""A submit that comes again with the client id of a job: the same job, or an error."""

import multiprocessing
import os
import unittest

import wire
from held import COUNT, I64, NUMBERS, PROCESS, SUM, HeldCase, held, held_file
from tally_daemon import wait_until

STRANGER = 65533


def held_values(client_id, data):
    return wire.submit(f'values = (type = {I64}, bytes = 0x"{data.hex(" ")}")',
                       job=f', path = {PROCESS}, clientId = "{client_id}"')


class ResubmitTest(HeldCase):
    config = f"""
[daemon]
socket_mode = "0666"
[access]
users = [{STRANGER}]
"""

    def refused(self, session, request, differs, fds=()):
        member, error = session.ask(request, 1, fds)
        self.assertEqual((member, error["code"]), ("error", "client_id_in_use"), error)
        fields = {field["name"]: field for field in error["fields"]}
        self.assertIn(differs, str(fields["differs"]))

    def test_two_sessions_have_one_job(self):
        first, second = (self.submit(held("one")) for _ in range(2))
        self.assertEqual(first.ask("(list = void)", 3)[1][0]["chunks"], "1")
        self.assertEqual(len(first.ask("(list = void)", 3)[1]), 1)
        self.let_go()
        self.assertEqual(self.done(self.answer(first)), self.done(self.answer(second)))
        self.assertEqual(self.totals(), (1, 0))

    def test_who_wants_the_id_has_it_at_once_and_may_wait_for_it(self):
        first = self.submit(held("one"))
        second = self.session()
        member, job = second.ask(held("one", wait=False))
        self.assertEqual(member, "accepted")
        self.let_go()
        self.assertEqual(self.done(self.answer(first)), job)
        # It asked for an id, so there is an answer to wait for.
        self.assertEqual(self.done(second.result('(wait = (clientId = "one"))')), job)

    def test_a_job_that_has_ended_and_is_kept_is_answered_at_once(self):
        session = self.session()
        _, job = session.ask(held("one", wait=False))
        self.let_go()
        self.done(session.result('(wait = (clientId = "one"))'))
        self.assertEqual(self.done(session.result(held("one"))), job)
        self.assertEqual(session.ask(held("one", wait=False)), ("accepted", job))
        self.assertEqual(self.totals(), (1, 0))

    def test_another_spec_is_refused(self):
        self.submit(held("one"))
        session = self.session()
        for other in (held("one", stop=COUNT + 1), held("one", job=", detached = true"),
                      held("one", job=", workers = 1")):
            self.refused(session, other, "spec")
        self.let_go()

    def test_a_kept_job_refuses_another_spec_too(self):
        session = self.session()
        session.ask(held("one", wait=False))
        self.let_go()
        self.done(session.result('(wait = (clientId = "one"))'))
        self.refused(session, held("one", stop=COUNT + 1), "spec")

    def test_the_same_file_opened_again_is_the_same_input(self):
        path = self.numbers()
        first = self.submit(held_file("one"), [self.opened(path)])
        second = self.submit(held_file("one"), [self.opened(path)])
        self.let_go()
        self.assertEqual(self.done(self.answer(first)), self.done(self.answer(second)))

    def test_a_file_that_was_changed_or_replaced_is_another_input(self):
        path = self.numbers()
        before = path.stat()
        self.submit(held_file("one"), [self.opened(path)])
        session = self.session()
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        self.refused(session, held_file("one"), "inputs", [self.opened(path)])
        path.unlink()
        self.numbers()
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.refused(session, held_file("one"), "inputs", [self.opened(path)])
        self.refused(session, held_file("one"), "inputs", [])
        self.let_go()

    def test_inline_values_count_by_content(self):
        first = self.submit(held_values("one", NUMBERS))
        second = self.submit(held_values("one", bytes(NUMBERS)))
        self.refused(self.session(), held_values("one", NUMBERS[::-1]), "spec")
        self.let_go()
        self.assertEqual(self.done(self.answer(first)), self.done(self.answer(second)))

    def test_a_job_lives_as_long_as_one_of_its_submitters(self):
        first, second = (self.submit(held("one")) for _ in range(2))
        first.socket.close()
        wait_until(lambda: self.daemon.status()["sessions"] == 2, "the first is gone")
        self.assertEqual(len(self.busy()), 1)
        self.let_go()
        self.done(self.answer(second))
        self.assertEqual(self.totals(), (1, 0))

    def test_a_session_may_submit_its_own_job_again(self):
        session = self.submit(held("one"))
        self.send(session, held("one"), 3)
        self.assertEqual(session.ask(wire.PING, 4)[0], "done")
        self.let_go()
        answers = [session.receive() for _ in range(2)]
        self.assertEqual({(sequence, member) for sequence, member, _ in answers},
                         {(1, "answer"), (3, "answer")})
        self.assertEqual(self.done(answers[0][2]), self.done(answers[1][2]))

    @unittest.skipUnless(os.getuid() == 0, "needs root, to be somebody else")
    def test_another_uid_has_a_job_of_its_own(self):
        mine = self.submit(held("one"))
        child = multiprocessing.Process(target=self.as_stranger)
        child.start()
        self.daemon.spare(child.pid)
        self.let_go(jobs=2)
        child.join(30)
        self.assertEqual(child.exitcode, 0)
        self.done(self.answer(mine))
        self.assertEqual(self.totals(), (2, 0))

    def as_stranger(self):
        os.setgroups([])
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        with wire.Session(self.daemon.socket) as session:
            session.socket.settimeout(30)
            answer = session.result(held("one", stop=COUNT + 1))
            assert wire.integer(answer["results"][0]["value"]) == SUM + COUNT, answer


if __name__ == "__main__":
    unittest.main()
