#!/usr/bin/env python3
"""Does the time of a refused sign-in tell whether there is such an account?

    python3 benches/enumeration.py target/release/treebeard

Starts the binary in a folder of its own, opens 200 accounts, then signs in 400 times with a wrong password, in turn to an
account and to an address that has none, each once. Prints both medians and their difference as a share of the time of
one hash; exit code 1 when that is 5 % or more.
"""
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

CALLS = 200


def serve(binary, folder):
    environment = {"ENVIRONMENT": "test", "TREEBEARD_LIMITS__EXEMPT_NETWORKS": "127.0.0.0/8"}
    command = [os.path.abspath(binary), "serve", "--listen", "127.0.0.1:0", "--set", "logging.format=json"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=open(folder + "/log", "wb"))
    for _ in range(600):
        found = re.search(r'"address":"127\.0\.0\.1:(\d+)"', open(folder + "/log").read())
        if found:
            return process, int(found.group(1))
        time.sleep(0.1)
    sys.exit("the service did not start")


def post(connection, path, body):
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def figures(connection):
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    value = lambda name: float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))
    return value("treebeard_password_hashes_total"), value("treebeard_password_hash_seconds_total")


def measure(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for n in range(CALLS):
        account = {"email": f"known{n}@example.org", "password": "violet tram seven", "name": "T", "zip_code": "78701"}
        assert post(connection, "/api/v1/auth/register", account) == 201
    before = figures(connection)
    took = {"known": [], "other": []}
    for n in range(CALLS):
        for kind in took:
            started = time.perf_counter()
            body = {"username": f"{kind}{n}@example.org", "password": "a wrong guess"}
            assert post(connection, "/api/v1/auth/login", body) == 401
            took[kind].append(time.perf_counter() - started)
    after = figures(connection)
    one_hash = (after[1] - before[1]) / (after[0] - before[0])
    return statistics.median(took["known"]), statistics.median(took["other"]), one_hash


def main():
    with tempfile.TemporaryDirectory() as folder:
        process, port = serve(sys.argv[1], folder)
        try:
            known, unknown, one_hash = measure(port)
        finally:
            process.terminate()
            process.wait()
    share = abs(known - unknown) / one_hash
    print(f"median of {CALLS} sign-ins: known {known * 1e3:.3f} ms, unknown {unknown * 1e3:.3f} ms; "
          f"one hash {one_hash * 1e3:.3f} ms; difference {share:.2%} of it (goal: under 5 %)")
    sys.exit(share >= 0.05)


main()
