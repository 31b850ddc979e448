#!/usr/bin/env python3
"""Checks hitl audit logs without hitl: verify_audit.py [-c checkpoints.jsonl] [-k public key, hex] log ..."""
import hashlib, json, subprocess, sys, tempfile
sha = lambda data: hashlib.sha256(data).hexdigest()
def signed(c, key):  # Ed25519 by OpenSSL 1.1.1 or later; the public key as a DER file
    text = "\n".join(["hitl.checkpoint.v1", c["at"]] + ["%s %d %s" % (h["stream"], h["seq"], h["hash"]) for h in c["heads"]]) + "\n"
    with tempfile.NamedTemporaryFile() as k, tempfile.NamedTemporaryFile() as t, tempfile.NamedTemporaryFile() as s:
        for f, data in ((k, bytes.fromhex("302a300506032b6570032100" + key)), (t, text.encode()), (s, bytes.fromhex(c.get("signature") or ""))):
            f.write(data); f.flush()
        cmd = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", k.name, "-rawin", "-in", t.name, "-sigfile", s.name]
        return subprocess.run(cmd, capture_output=True).returncode == 0
def verify(logs, checkpoints=()):  # logs: [(name, bytes)], a chain's segments oldest first; gives [(name, line, what)]
    bad, heads, first, met, gone, may = [], {}, {}, set(), [], {}
    named = [(h["stream"], h["seq"], h["hash"]) for c in checkpoints for h in c["heads"]]
    for name, data in logs:
        mine, lost, lines = None, False, data.split(b"\n")
        for n, line in enumerate(lines[:-1], 1):
            try:
                r = json.loads(line); stream, seq, prev = r["stream"], r["seq"], r["prev"]
                assert type(seq) is int and seq >= 0 and type(prev) is type(stream) is str; was = r.get("erased")
                assert was is None or json.dumps(r, separators=(",", ":"), ensure_ascii=False).encode() == line and list(r) == ["seq", "prev", "ts", "schema", "stream", "erased"] \
                    and list(was) in (["hash", "event"], ["hash", "event", "call"]) and len(bytes.fromhex(was["hash"])) == 32 and was["hash"] == was["hash"].lower()
            except Exception: bad.append((name, n, "notARecord")); lost = True; continue
            mine = mine or stream
            if stream != mine: bad.append((name, n, "stranger")); continue
            at, head = heads.get(stream, (0, sha(stream.encode()))); known = stream in heads
            if lost and seq == at + 2: pass  # what it names could not be read
            elif known and seq > at + 1: bad.append((name, n, "missing"))
            elif known and seq <= at: bad.append((name, n, "outOfPlace"))
            elif seq == at + 1 and prev != head: bad.append((name, n, "altered"))
            heads[stream], lost = (seq, was["hash"] if was else sha(line)), False; e = r.get("event") or {}
            if was: gone.append((name, n, (stream, seq, was["hash"], was["event"], r["ts"], was.get("call"))))  # its content was erased
            elif e.get("event") == "erased":  # what may be
                for l in e.get("erased", ()): may.setdefault((l["stream"], l["seq"], l["hash"], l["event"], l["at"], e.get("call")), []).append((stream, seq))
            first.setdefault(stream, (seq, prev, name, n))
            for s, q, h in named:
                if (s, q) == (stream, seq): met.add((s, q)); h == heads[stream][1] or bad.append((name, n, "forked"))
        if lines[-1]: bad.append((name, len(lines), "torn"))
    for s, q, h in named:
        if q and (s, q) not in met and q >= first.get(s, (0,))[0]: bad.append((s, heads.get(s, (0,))[0], "truncated" if s in heads else "missingWriter"))
    for f, n, line in gone:
        if line not in may: bad.append((f, n, "notErased"))
        elif checkpoints and not any(s == t and q <= u for s, q in may[line] for t, u, _ in named): bad.append((f, n, "erasureNotVouched"))
    return bad + [(f, n, "missing") for s, (q, p, f, n) in first.items() if q != 1 and (s, q - 1, p) not in named]
if __name__ == "__main__":
    from argparse import ArgumentParser; a = ArgumentParser(); a.add_argument("-c"); a.add_argument("-k"); a.add_argument("log", nargs="+"); a = a.parse_args()
    cs = [json.loads(line) for line in open(a.c)] if a.c else []; bad = [(c["at"], 0, "badCheckpoint") for c in cs if a.k and not signed(c, a.k)]
    bad += verify([(name, open(name, "rb").read()) for name in a.log], cs); print("\n".join("%s:%d: %s" % b for b in bad) or "sound"); sys.exit(bool(bad))
