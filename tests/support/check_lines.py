#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What must hold between the lines of one run, whatever a schema says of each line alone.

    check_lines.py FILE...     native lines; exits 1 and says what does not hold

The score is the exact sum of its parts, seq is gapless, the last line is the final statistics, and
the sums of the account hold. Called by golden and live tests.
"""

import json
import sys
from decimal import Decimal


def require(holds, what):
    if not holds:
        raise AssertionError(what)


def check_score(record):
    ours = record["whyflow"]
    require(ours["score"] > 0, "a score of 0 or less")
    if record["event_type"] == "alert":
        parts = sum(ours["contrib"].values(), Decimal(ours["typical"]))
        require(parts == ours["score"], f"parts add up to {parts}, the score is {ours['score']}")


def check_account(record):
    account = record["whyflow"]["account"]
    is_final = record["whyflow"].get("final", False)
    refused = sum(account["refused"].values())
    require(account["read"] == account["in_flows"] + refused, f"read: {account}")
    require(account["flows_opened"] == account["flows_written"] + account["flows_open"]
            + account["flows_queued"], f"flows: {account}")
    require(account["records_made"] == account["records_written"] + account["records_queued"]
            + account["records_spooled"] + account["records_lost"], f"records: {account}")
    if not is_final:
        return
    live = "in_iface" in record or account["received"] != account["read"]
    dropped = account["kernel_dropped"] if live else 0
    require(account["received"] == account["read"] + dropped, f"received: {account}")
    require(account["flows_open"] == account["flows_queued"] == 0, f"open at the end: {account}")
    require(account["packets_written"] == account["in_flows"], f"packets: {account}")
    require(account["ip_bytes_written"] == account["ip_bytes_in_flows"], f"bytes: {account}")


def check_file(path):
    number = 0
    record = None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            require(line.endswith("\n"), f"line {number} is torn")
            require(len(line.encode()) <= 7501, f"line {number} has {len(line)} bytes")
            record = json.loads(line, parse_float=Decimal, parse_int=Decimal)
            require(record["whyflow"]["seq"] == number,
                    f"line {number} has seq {record['whyflow']['seq']}")
            if record["event_type"] == "stats":
                check_account(record)
            else:
                check_score(record)
    require(number > 0, "no lines")
    require(record["event_type"] == "stats" and record["whyflow"].get("final") is True,
            "the last line is not the final statistics")
    require(record["whyflow"]["account"]["records_made"] == number - 1
            or "--several" in sys.argv, "records made is not the number of lines before")


def main():
    paths = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    for path in paths:
        try:
            check_file(path)
        except (AssertionError, KeyError, ValueError) as error:
            print(f"{path}: {type(error).__name__}: {error}")
            return 1
    return 0 if paths else 1


sys.exit(main())
