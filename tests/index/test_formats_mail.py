"""Mail by value: what is taken for mail and what is not, messages, mailboxes, attachments, and damage."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from pathlib import Path

import pytest

from index.errors import FileError
from index.files import read_documents
from index.formats import detect
from index.types import Document


def message(subject: str = "Offsite in Juni 𝔹", body: str = "Hello all.\nWe meet on Friday.\n") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Anna Müller <anna@example.org>"
    mail["To"] = "ben@example.org, Carla <carla@example.org>"
    mail["Date"] = "Mon, 04 May 2026 10:00:00 +0200"
    mail["Subject"] = subject
    mail["Message-ID"] = "<1@example.org>"
    mail.set_content(body)
    return mail


HEAD = (
    "From: Anna Müller <anna@example.org>\nTo: ben@example.org, Carla <carla@example.org>\n"
    "Date: Mon, 04 May 2026 10:00:00 +0200"
)
BY_HAND = b"From: Anna\nTo: Ben\nDate: Mon, 4 May 2026 10:00:00 +0200\nSubject: lunch\n\nAt noon.\n"
SENT = b"Message-ID: <1@example.org>\n"
FROM_LINE = b"From anna@example.org Mon May  4 10:00:00 2026\n"


def read_all(folder: Path, name: str, data: bytes) -> list[Document]:
    (folder / name).write_bytes(data)
    return read_documents(folder / name, name)


def read(folder: Path, data: bytes, name: str = "a.eml") -> Document:
    [document] = read_all(folder, name, data)
    return document


def outline(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(part.heading, document.text[part.start : part.end]) for part in document.sections]


# What is mail


@pytest.mark.parametrize(
    ("head", "suffix", "name"),
    [
        (SENT + BY_HAND, "", "EML"),
        (SENT + BY_HAND, ".txt", "EML"),
        (SENT + BY_HAND, ".md", "EML"),
        ((SENT + BY_HAND).replace(b"\n", b"\r\n"), ".bin", "EML"),
        (b"Return-Path: <x>\nReceived: from a\n\tby b;\n Mon" + b"\n x" * 1500, "", "EML"),  # goes on beyond the head
        (BY_HAND, "", "plain text"),
        (BY_HAND, ".eml", "EML"),
        (b"Subject: a draft\nTo: ben\n\nHello", ".eml", "EML"),
        (b"Dear Ben,\n\nhello", ".eml", "plain text"),
        (b"From: the beginning it was clear.\nAnd so on.\n", ".eml", "plain text"),
        (b"Subject: matter of the trial\n\nThe judge said", "", "plain text"),
        (b"From: Anna\nDate: some day\nMessage-ID: <1@x>\n\nNo date that is one.", "", "plain text"),
        (b"Date: Mon, 4 May 2026 10:00:00 +0200\nMessage-ID: <1@x>\n\nNo sender.", "", "plain text"),
        (SENT + b"A line of prose.\n" + BY_HAND, "", "plain text"),
        (b"\n" + SENT + BY_HAND, "", "plain text"),
        (b"key: value\nother: thing\n\nlist: 1", "", "plain text"),
        (b"Metadata-Version: 2.1\nName: x\nVersion: 1\n\nText", "", "plain text"),
        (FROM_LINE + SENT + BY_HAND, "", "MBOX"),
        (FROM_LINE + SENT + BY_HAND, ".txt", "MBOX"),
        (FROM_LINE + BY_HAND, ".mbox", "MBOX"),
        (FROM_LINE + BY_HAND, ".txt", "plain text"),
        (b"From then on, at 10:00 in 2026,\n" + b"all went well.\n", ".mbox", "plain text"),
        (b"From Russia with love\n" + SENT + BY_HAND, ".mbox", "plain text"),
    ],
)
def test_what_is_taken_for_mail(head: bytes, suffix: str, name: str) -> None:
    found = detect(head[:4096], suffix)
    assert found is not None
    assert found.name == name


def test_binary_data_below_a_header_is_no_mail() -> None:
    assert detect(SENT + BY_HAND + bytes(1000), ".eml") is None


# Messages


def test_a_message_under_its_subject(tmp_path: Path) -> None:
    document = read(tmp_path, bytes(message()))
    assert document.title == "Offsite in Juni 𝔹"
    assert document.source == "a.eml"
    assert document.media_type == "message/rfc822"
    assert (document.author, document.date) == ("Anna Müller", "2026-05-04")
    assert document.text == f"Subject: Offsite in Juni 𝔹\n{HEAD}\n\nHello all.\nWe meet on Friday."
    assert outline(document) == [((), document.text)]


def test_a_message_without_a_subject_is_named_after_its_file(tmp_path: Path) -> None:
    mail = message()
    del mail["Subject"]
    document = read(tmp_path, bytes(mail), "lunch.eml")
    assert document.title == "lunch"
    assert document.text.startswith(f"{HEAD}\n\nHello")


def test_plain_text_goes_before_html(tmp_path: Path) -> None:
    mail = message()
    mail.add_alternative("<p>Hello in HTML.</p>", subtype="html")
    assert read(tmp_path, bytes(mail)).text.endswith("\n\nHello all.\nWe meet on Friday.")


STUB = "Your mail program does not show HTML. See https://x.org/online"
HOURS = "The new opening hours are nine to five from June on, and on Sundays the shop is closed."


@pytest.mark.parametrize(
    ("plain", "html", "expected"),
    [
        (STUB, f"<p>{HOURS}</p>", HOURS),
        (f"{HOURS}", f"<p>{HOURS}</p><p>Unsubscribe here, or write to us.</p>", HOURS),
        (HOURS.upper(), f"<p>{HOURS}</p>", HOURS.upper()),
        (HOURS, "<p>Closed.</p>", HOURS),
        (HOURS, "<p>Wir haben von neun bis fünf offen, sonntags nie.</p>", HOURS),
        (STUB, f"{'<div>' * 5000}{HOURS}", STUB),  # nested beyond what can be read
        (STUB, f"<p>{HOURS}</p><img src='cid:1'>", HOURS),
    ],
)
def test_html_where_the_plain_text_is_a_stub(tmp_path: Path, plain: str, html: str, expected: str) -> None:
    mail = message(body=plain)
    mail.add_alternative(html, subtype="html")
    parts = mail.get_payload()
    parts[1].add_related(b"GIF89a", maintype="image", subtype="gif", cid="1")
    assert read(tmp_path, bytes(mail)).text.partition("+0200\n\n")[2] == expected


@pytest.mark.parametrize("plain", ["", " \n"])
def test_html_where_there_is_no_plain_text(tmp_path: Path, plain: str) -> None:
    mail = message(body=plain)
    mail.add_alternative(
        "<html><body><h1>Plan</h1><p>Be&nbsp;there.<br>Please.</p><ul><li>tent<li>boots</ul>"
        "<table><tr><td>Fri<td>6 pm<tr><td>Sat<td>noon</table><script>run()</script></body></html>",
        subtype="html",
    )
    assert outline(read(tmp_path, bytes(mail))) == [
        ((), f"Subject: Offsite in Juni 𝔹\n{HEAD}\n\n"),
        (("Plan",), "Plan\n\nBe there.\nPlease.\n\n- tent\n- boots\n\nFri | 6 pm\nSat | noon"),
    ]


def test_what_a_mail_hides_for_the_list_of_an_inbox_is_left_out(tmp_path: Path) -> None:
    mail = message(body="")
    preview = "<div style='display:none;max-height:0'>Open me!</div><style>.hid {display:none}</style>"
    mail.add_alternative(f"<body>{preview}<table><tr><td style='font-size:0px'><div style='font-size:13px'>Hi.</div></table>",
                         subtype="html")
    assert read(tmp_path, bytes(mail)).text.partition("+0200\n\n")[2] == "Hi."


def test_attachments_are_named_and_not_opened(tmp_path: Path) -> None:
    mail = message()
    mail.add_attachment(b"PK\x03\x04 data", maintype="application", subtype="zip", filename="../../etc/pässe\nx.zip")
    mail.add_attachment("the text of the note", filename="note.txt")
    mail.add_attachment("a,b", subtype="csv")
    document = read(tmp_path, bytes(mail))
    assert document.text.endswith("We meet on Friday.\n\nAttachments: ../../etc/pässe x.zip, note.txt, text/csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.eml"]


def test_parts_without_a_name_are_read_where_they_are_text_and_else_named_by_their_kind(tmp_path: Path) -> None:
    mail = message()
    mail.make_mixed()
    for kind in ("markdown", "calendar", "csv", "csv"):
        part = EmailMessage()
        part.set_content(f"This is {kind}.", subtype=kind)
        mail.attach(part)
    assert read(tmp_path, bytes(mail)).text.endswith("Friday.\n\nThis is markdown.\n\nAttachments: text/calendar, text/csv")


@pytest.mark.parametrize("name", [None, "Re offer.eml"])
def test_a_mail_that_is_attached_is_read_in_a_section_of_its_own(tmp_path: Path, name: str | None) -> None:
    forwarded = message("Offer", "The offer is 900 euros.")
    forwarded.replace_header("From", "Boss <boss@example.org>")
    forwarded.add_attachment("inner", filename="inner.txt")
    mail = message(body="See below.")
    mail.add_attachment(forwarded, filename=name)
    mail.add_attachment("note", filename="note.txt")
    document = read(tmp_path, bytes(mail))
    head = HEAD.replace("Anna Müller <anna@", "Boss <boss@")
    assert outline(document) == [
        ((), f"Subject: Offsite in Juni 𝔹\n{HEAD}\n\nSee below.\n\nAttachments: note.txt\n\n"),
        (("Subject: Offer",), f"Subject: Offer\n{head}\n\nThe offer is 900 euros.\n\nAttachments: inner.txt"),
    ]
    assert (document.author, document.title) == ("Anna Müller", "Offsite in Juni 𝔹")


def test_mails_within_mails_are_read_to_a_depth_and_the_next_is_named(tmp_path: Path) -> None:
    mail = message("Mail 5", "<h1>Plan</h1><p>Text 5.</p>")
    for number in range(4, -1, -1):
        around = message(f"Mail {number}", f"<h1>Plan</h1><p>Text {number}.</p>")
        around.replace_header("Content-Type", "text/html; charset=utf-8")
        around.add_attachment(mail)
        mail = around
    document = read(tmp_path, bytes(mail))
    assert [part.heading for part in document.sections] == [
        (), ("Plan",), ("Subject: Mail 1",), ("Subject: Mail 1", "Plan"), ("Subject: Mail 1", "Subject: Mail 2"),
        ("Subject: Mail 1", "Subject: Mail 2", "Plan"), ("Subject: Mail 1", "Subject: Mail 2", "Subject: Mail 3"),
        ("Subject: Mail 1", "Subject: Mail 2", "Subject: Mail 3", "Plan"),
    ]  # fmt: skip
    assert document.text.endswith("Text 3.\n\nAttachments: Mail 4")


def test_a_digest_is_read_and_what_is_no_mail_in_it_is_named(tmp_path: Path) -> None:
    data = SENT + b"From: a@x.org\nDate: Mon, 4 May 2026 10:00:00 +0200\nContent-Type: multipart/digest; boundary=B\n\n"
    data += b"--B\n\nFrom: b@x.org\n\nFirst.\n--B\nContent-Transfer-Encoding: base64\nContent-Type: message/rfc822\n\n"
    data += b"bm8gbWFpbA==\n--B\n\nSubject: Two\n\nSecond.\n--B--\n"
    document = read(tmp_path, data)
    assert document.text.partition("+0200\n\n")[2] == (
        "Attachments: message/rfc822\n\nFrom: b@x.org\n\nFirst.\n\nSubject: Two\n\nSecond."
    )


def test_a_mail_that_was_encoded_to_be_attached_is_read(tmp_path: Path) -> None:
    data = SENT + b"From: a@x.org\nDate: Mon, 4 May 2026 10:00:00 +0200\nContent-Type: multipart/mixed; boundary=B\n\n--B\n"
    data += b"Content-Type: message/rfc822\nContent-Transfer-Encoding: BASE64\n\n"
    forwarded = message("Offer", "The offer is 900 euros.")
    document = read(tmp_path, data + base64.encodebytes(bytes(forwarded)) + b"\n--B--\n")
    assert document.text.endswith(f"\n\nSubject: Offer\n{HEAD}\n\nThe offer is 900 euros.")
    assert document.sections[-1].heading == ("Subject: Offer",)


@pytest.mark.parametrize(
    ("sender", "sent", "author", "date"),
    [
        ("=?utf-8?q?J=C3=B6rg?= <j@x.org>", "Sun, 31 May 2026 23:30:00 -0800", "Jörg", "2026-05-31"),
        ("j@x.org", "1 Jun 26 08:00 GMT", "j@x.org", "2026-06-01"),
        ('"Ray, Ada" <a@x.org>, b@x.org', "Mon, 01 Jun 2026 08:00:00 +0000 (UTC)", "Ray, Ada; b@x.org", "2026-06-01"),
        ("Anna", "some day", "Anna", ""),
        ("Anna" * 100, "Mon, 99 Jun 2026 08:00:00 +0000", "", ""),
        ("", "", "", ""),
    ],
)
def test_author_and_date(tmp_path: Path, sender: str, sent: str, author: str, date: str) -> None:
    document = read(tmp_path, f"To: b@x.org\nFrom: {sender}\nSubject: s\nDate: {sent}\n\nText.\n".encode())
    assert (document.author, document.date) == (author, date)


def test_texts_beside_each_other_are_all_read(tmp_path: Path) -> None:
    mail = message()
    mail.make_mixed()
    footer = EmailMessage()
    footer.set_content("You get this as a member of the list.")
    mail.attach(footer)
    assert read(tmp_path, bytes(mail)).text.endswith("Friday.\n\nYou get this as a member of the list.")


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/plain; charset=iso-8859-1", "Grüße für 5 €".encode("cp1252"), "Grüße für 5 €"),
        ("text/plain; charset=iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        ("text/plain; charset=no-such-thing", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=us-ascii", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=utf-8", b"caf\xe9", "café"),
        ("text/plain; charset=punycode", b"abc-def", "abc-def"),
        ("text/plain; charset=zlib", b"abc", "abc"),
        ("multipart/mixed", b"one part, no boundary", "one part, no boundary"),
        ("text/plain", b"one\r\ntwo\rthree", "one\ntwo\nthree"),
    ],
)
def test_encodings(tmp_path: Path, kind: str, body: bytes, expected: str) -> None:
    head = SENT + b"From: a@x\nDate: Mon, 4 May 2026 10:00:00 +0200\nContent-Type: " + kind.encode()
    assert read(tmp_path, head + b"\nContent-Transfer-Encoding: 8bit\n\n" + body).text.partition("\n\n")[2] == expected


@pytest.mark.parametrize("value", ["(" * 3000, ":;" * 2000, '"' * 3000, "=?utf-8?q?a?= " * 1000, "x" * 1_000_000])
@pytest.mark.parametrize("name", ["Subject", "Cc", "Content-Type", "Content-Disposition"])
def test_headers_made_to_hurt_do_not(tmp_path: Path, name: str, value: str) -> None:
    data = SENT + f"From: a@x\nDate: Mon, 4 May 2026 10:00:00 +0200\n{name}: {value}\n\nStill read.\n".encode()
    document = read(tmp_path, data)
    assert len(document.text) < 5000
    assert "From: a@x" in document.text


def test_parts_nested_beyond_reason(tmp_path: Path) -> None:
    data = SENT + b"From: a@x\nDate: Mon, 4 May 2026 10:00:00 +0200\n"
    data += b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(2000))
    with pytest.raises(FileError, match="it cannot be read as EML"):
        read(tmp_path, data + b"\ntext")


# Mails that are cut off

INCOMPLETE = "it is incomplete, and its end missing: get a whole copy and index it again"
BEFORE_ITS_TEXT = "a.eml: it is an incomplete mail: it ends before its text begins. Get a whole copy and index it again"


def in_parts() -> bytes:
    mail = message(body="Hello all. We meet on Friday.")
    mail.add_alternative("<p>Hello all. We meet on Friday.</p>", subtype="html")
    mail.add_attachment(b"%PDF" * 100, maintype="application", subtype="pdf", filename="plan.pdf")
    mail.set_boundary("OUTER")
    mail.get_payload()[0].set_boundary("INNER")
    return bytes(mail).rstrip()


def told_of(folder: Path, data: bytes) -> str:
    """The notice of a mail, or why it is refused."""
    try:
        return "".join(read(folder, data).notices)
    except FileError as error:
        return str(error)


def test_a_mail_in_parts_that_is_cut_off_anywhere_says_so_or_is_refused(tmp_path: Path) -> None:
    data = in_parts()
    begins = data.index(b"Hello all")
    for end in range(data.index(b"Date:"), len(data)):  # with less it is no mail
        assert told_of(tmp_path, data[:end]) in ([INCOMPLETE] if end > begins else [INCOMPLETE, BEFORE_ITS_TEXT]), end
    assert told_of(tmp_path, data[: data.index(b"Subject:")]) == BEFORE_ITS_TEXT
    assert told_of(tmp_path, data) == ""


@pytest.mark.parametrize(("more", "body", "notices"), [
    ("Content-Transfer-Encoding: base64", "RMO8bm4gaXN0IGRhcyBFaXM=", ()),
    ("Content-Transfer-Encoding: base64", "RMO8bm4gaXN0IGRhcyBFaX", (INCOMPLETE,)),
    ("Content-Transfer-Encoding: base64", "RMO8bm4gaXN0IGRhcyBFa", (INCOMPLETE,)),
    ("Content-Transfer-Encoding: quoted-printable", "D=C3=BCnn ist das Eis.", ()),
    ("Content-Transfer-Encoding: quoted-printable", "D=C3=BCnn ist das Eis.=\n", ()),
    ("Content-Transfer-Encoding: quoted-printable", "D=C3=BCnn ist das Eis, sch=C", (INCOMPLETE,)),
    ("Content-Length: 23", "Dünn ist das Eis.\n\n", (INCOMPLETE,)),
    ("Content-Length: 22", "Dünn ist das Eis.\n\n", ()),
    ("Content-Length: 21", "Dünn ist das Eis.\n\n\n", ()),
    ("Content-Length: about 9000", "Dünn ist das Eis.", ()),
    ("Content-Type: multipart/mixed; boundary=B\nContent-Length: 9000", "--B\n\nDünn ist das Eis.\n--B--", ()),
    ("Content-Type: multipart/mixed; boundary=B", "Dünn ist das Eis.", (INCOMPLETE,)),
    ("Content-Type: multipart/mixed; boundary=B", "--B\n\nDünn ist das Eis.\n--B-", (INCOMPLETE,)),
])  # fmt: skip
def test_a_mail_that_is_cut_off(tmp_path: Path, more: str, body: str, notices: tuple[str, ...]) -> None:
    head = f"From: a@x.org\nDate: Mon, 4 May 2026 10:00:00 +0200\n{more}\n"
    document = read(tmp_path, SENT + f"{head}\n{body}".encode())
    assert "\n\nDünn ist das E" in document.text
    assert document.notices == notices


@pytest.mark.parametrize(("length", "notices"), [
    (-25, ("a mail attached to it is incomplete, and its end missing",)),
    (0, ()),  # no more than its header: a mail that could not be delivered
])
def test_a_mail_that_is_attached_and_cut_off(tmp_path: Path, length: int, notices: tuple[str, ...]) -> None:
    inner = in_parts()[:length] if length else in_parts().partition(b"\n\n")[0] + b"\n\n"
    data = SENT + b"From: a@x.org\nDate: Mon, 4 May 2026 10:00:00 +0200\nContent-Type: multipart/mixed; boundary=TOP\n\n"
    data += b"--TOP\n\nIt came back.\n--TOP\nContent-Type: message/rfc822\n\n" + inner + b"\n--TOP--\n"
    document = read(tmp_path, data)
    assert "It came back.\n\nSubject: Offsite" in document.text
    assert document.notices == notices


def test_in_a_mailbox_messages_that_are_cut_off_are_told_and_many_are_counted(tmp_path: Path) -> None:
    whole, cut = (FROM_LINE + data + b"\n\n" for data in (in_parts(), in_parts()[:-25]))
    documents = read_all(tmp_path, "a.mbox", whole + cut + whole)
    assert [document.notices for document in documents] == [(), (INCOMPLETE,), ()]
    documents = read_all(tmp_path, "a.mbox", cut * 13 + whole + FROM_LINE + b"Received: by x; Mon")
    assert [document.source for document in documents] == [f"a.mbox#{number}" for number in range(1, 15)]
    assert [document.notices for document in documents] == [(INCOMPLETE,)] * 10 + [()] * 3 + [
        ("3 more of its mailbox's messages are incomplete",
         "1 of its mailbox's messages ends before its text begins, and is left out")]


# Mailboxes


def mailbox() -> bytes:
    first, second = bytes(message("One")), bytes(message("Two", "First line.\n\nFrom here on:\n\n>From there.\n"))
    escaped = second.replace(b"\n>From", b"\n>>From").replace(b"\nFrom here", b"\n>From here")
    return FROM_LINE + first + b"\n" + FROM_LINE + escaped + b"\nFrom 10:00 in 2026 prose goes on.\n\n" + FROM_LINE + first


@pytest.mark.parametrize("name", ["a.mbox", "Inbox", "a.txt", "a.bin"])
def test_every_message_of_a_mailbox_is_a_document(tmp_path: Path, name: str) -> None:
    documents = read_all(tmp_path, name, mailbox())
    assert [(document.source, document.title) for document in documents] == [
        (f"{name}#1", "One"), (f"{name}#2", "Two"), (f"{name}#3", "One")
    ]  # fmt: skip
    assert documents[0].text == f"Subject: One\n{HEAD}\n\nHello all.\nWe meet on Friday."
    assert documents[1].text.partition("\n\n")[2] == (
        "First line.\n\nFrom here on:\n\n>From there.\n\nFrom 10:00 in 2026 prose goes on."
    )
    assert {document.media_type for document in documents} == {"application/mbox"}


def test_a_mailbox_without_empty_lines_between_its_messages(tmp_path: Path) -> None:
    close = mailbox().replace(b"\n\n" + FROM_LINE, b"\n" + FROM_LINE)
    assert close != mailbox()
    assert [document.text for document in read_all(tmp_path, "a.mbox", close)] == [
        document.text for document in read_all(tmp_path, "b.mbox", mailbox())]


def test_a_mailbox_with_the_line_ends_of_windows(tmp_path: Path) -> None:
    documents = read_all(tmp_path, "a.mbox", mailbox().replace(b"\n", b"\r\n"))
    assert [document.text for document in documents] == [d.text for d in read_all(tmp_path, "b.mbox", mailbox())]
