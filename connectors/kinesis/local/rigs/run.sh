#!/usr/bin/env bash
# Runs real Kinesis clients against weir kinesis: rigs/run.sh [boto3] [cli] [go] [go-probe] [js] [kpl] [kcl-polling] [kcl-fanout] [signed] [bench]
# Without names: what needs no Java. Each prints PASS, FAIL or SKIP (with what is missing); the exit code counts failures.
#   WEIR    the binary (default: built from this tree)      PEERS   folder with the venv of boto3, awscli, moto, cbor2
#   SHARED  the folder with the API probes                  BUILD   scratch and cache of packages
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../../../.." && pwd)
SHARED=${SHARED:-$root/../shared/kinesis}; PEERS=${PEERS:-$HOME/.cache/weir-peers}; BUILD=${BUILD:-$HOME/.cache/weir-rigs}; mkdir -p "$BUILD"
PY=$PEERS/venv/bin/python; PORT=${PORT:-4811}; MOTO_PORT=${MOTO_PORT:-5811}; work=$(mktemp -d); failed=0; pids=()
[ -n "${WEIR:-}" ] || { WEIR=$work/weir; (cd "$root" && go build -o "$WEIR" ./cmd/weir) || exit 1; }
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done; wait; rm -rf "$work"' EXIT
listen() { for _ in $(seq 150); do (exec 3<>/dev/tcp/127.0.0.1/"$1") 2>/dev/null && return; sleep 0.1; done; echo "nothing listens at port $1" >&2; exit 1; }
"$WEIR" kinesis --addr 127.0.0.1:"$PORT" --data "$work/data" 2>"$work/weir.log" & pids+=($!); listen "$PORT"
http=http://127.0.0.1:$PORT; https=https://127.0.0.1:$PORT
result() { if [ "$1" = 0 ]; then echo "PASS $2"; else echo "FAIL $2"; failed=$((failed + 1)); fi; }
skip() { echo "SKIP $1: $2"; }
moto() { [ -n "${moto_up:-}" ] && return; moto_up=1; "$PEERS/venv/bin/moto_server" -H 127.0.0.1 -p "$MOTO_PORT" >"$work/moto.log" 2>&1 & pids+=($!); listen "$MOTO_PORT"; }
java_rig() { # NAME CLASS: fetches and compiles once
  mkdir -p "$BUILD/$1"
  [ -d "$BUILD/$1/lib" ] || mvn -q -B -f "$here/$1/pom.xml" dependency:copy-dependencies -DoutputDirectory="$BUILD/$1/lib" || return 1
  [ "$BUILD/$1/$2.class" -nt "$here/$1/$2.java" ] || javac -cp "$BUILD/$1/lib/*" -d "$BUILD/$1" "$here/$1/$2.java"
}
java_run() { java -Dorg.slf4j.simpleLogger.defaultLogLevel="${SLF4J:-error}" -cp "$BUILD/$1/lib/*:$BUILD/$1" "$2"; }

rig_boto3() {
  [ -x "$PY" ] && [ -f "$SHARED/rigs/probe.py" ] || { skip boto3 "$PY or $SHARED/rigs/probe.py"; return; }
  for url in "$http" "$https"; do
    KINESIS_ENDPOINT=$url "$PY" "$SHARED/rigs/probe.py" >"$work/probe.txt" 2>&1; code=$?
    grep -E '^(FAIL|DIFF)' "$work/probe.txt"; tail -1 "$work/probe.txt"
    grep -qE '^FAIL' "$work/probe.txt" && code=1
    result $code "boto3 probe $url"
  done
}
rig_cli() {
  [ -x "$PEERS/venv/bin/aws" ] && [ -f "$SHARED/rigs/awscli.sh" ] || { skip cli "$PEERS/venv/bin/aws"; return; }
  for url in "$http" "$https"; do KINESIS_ENDPOINT=$url AWS=$PEERS/venv/bin/aws "$SHARED/rigs/awscli.sh" >"$work/cli.txt" 2>&1; result $? "AWS CLI $url"; done
}
rig_go() {
  (cd "$root" && go test -count=1 -run 'TestTransports|TestSubscri|TestCBOR' ./connectors/kinesis/local); result $? "Go SDK: HTTP/1.1, h2c, TLS with and without ALPN, fan-out"; rig_go_probe; }
rig_go_probe() {
  [ -f "$SHARED/rigs/go/probe/main.go" ] && (cd "$SHARED/rigs/go" && go build -o "$work/probe" ./probe) || { skip go-probe "$SHARED/rigs/go"; return; }
  for how in "HTTP/1.1 H2C= $http" "h2c H2C=1 $http" "TLS INSECURE=1 $https"; do
    read -r name var url <<<"$how"
    env "$var" KINESIS_ENDPOINT="$url" timeout 60 "$work/probe" >"$work/goprobe.txt" 2>&1; code=$?
    grep -q '^FAIL' "$work/goprobe.txt" && code=1
    grep -q 'children=2' "$work/goprobe.txt" || code=1
    [ $code = 0 ] || cat "$work/goprobe.txt"
    result $code "Go probe with fan-out over $name"
  done
}
rig_js() {
  command -v npm >/dev/null || { skip js npm; return; }
  mkdir -p "$BUILD/js"; [ -d "$BUILD/js/node_modules/@aws-sdk/client-kinesis" ] || (cd "$BUILD/js" && npm i --no-audit --no-fund -s @aws-sdk/client-kinesis) || { skip js "@aws-sdk/client-kinesis"; return; }
  for url in "$http" "$https"; do (cd "$BUILD/js" && NODE_EXTRA_CA_CERTS=$work/data/kinesis-cert.pem KINESIS_ENDPOINT=$url timeout 60 node "$here/sdk.mjs"); result $? "JS SDK v3 $url"; done
}
rig_kpl() {
  command -v mvn >/dev/null && java_rig kpl Produce || { skip kpl "Java or its packages"; return; }
  "$WEIR" streams --endpoint "$http" create kpl --shards 2
  KINESIS_ENDPOINT=$https STREAM=kpl N=1000 java_run kpl Produce >"$work/kpl.txt" 2>&1; code=$?; grep put "$work/kpl.txt" || cat "$work/kpl.txt"
  "$WEIR" streams --endpoint "$http" tail kpl --from trim --once -o data | awk '{print "rec shard", $1, $0}' >"$work/kpl.rec"
  "$PY" "$here/check.py" "$work/kpl.rec" 1000 unordered || code=1
  [ "$(sed -n 's/.* in \([0-9]*\) records.*/\1/p' "$work/kpl.txt")" -le 20 ] || { echo "they were not aggregated"; code=1; }
  result $code "KPL over TLS with aggregation"
}
rig_kcl() { # MODE URL HTTP2
  command -v mvn >/dev/null && [ -x "$PY" ] && java_rig kcl Consume || { skip "kcl-$1" "Java, its packages or moto"; return; }
  moto; n=3000; stream=kcl-$1
  "$WEIR" streams --endpoint "$http" create "$stream" --shards 2
  KINESIS_ENDPOINT=$2 MOTO_ENDPOINT=http://127.0.0.1:$MOTO_PORT STREAM=$stream MODE=$1 HTTP2=$3 WANT=$n SECONDS=240 java_run kcl Consume >"$work/$stream.txt" 2>&1 & consumer=$!; pids+=($consumer)
  for _ in $(seq 600); do grep -q '^begin' "$work/$stream.txt" && break; sleep 0.2; done
  "$PY" "$here/reshard.py" "$http" "$stream" $n
  wait $consumer; grep -cE '^(begin|end)' "$work/$stream.txt" | sed 's/$/ beginnings and ends of shards/'
  "$PY" "$here/check.py" "$work/$stream.txt" $n; code=$?; [ $code = 0 ] || grep -v '^rec' "$work/$stream.txt" | tail -20
  result $code "KCL 3 $1, HTTP2=$3, split and merge under way"
}
rig_signed() { # clients against a server which verifies signatures
  printf 'AKIDEXAMPLE secret\nx x\n' >"$work/keys"; port=$((PORT + 1))
  "$WEIR" kinesis --addr 127.0.0.1:$port --memory --credentials "$work/keys" 2>"$work/signed.log" & pids+=($!); listen $port; url=http://127.0.0.1:$port
  if [ -x "$PY" ] && [ -f "$SHARED/rigs/probe.py" ]; then
    KINESIS_ENDPOINT=$url "$PY" "$SHARED/rigs/probe.py" >"$work/probe.txt" 2>&1; ! grep -E '^FAIL' "$work/probe.txt"; result $? "boto3 probe, signatures verified"
    KINESIS_ENDPOINT=$url AWS=$PEERS/venv/bin/aws "$SHARED/rigs/awscli.sh" >"$work/cli.txt" 2>&1; result $? "AWS CLI, signatures verified"
  else skip signed "$PY or $SHARED/rigs/probe.py"; fi
  if [ -d "$BUILD/js/node_modules/@aws-sdk/client-kinesis" ]; then (cd "$BUILD/js" && KINESIS_ENDPOINT=$url timeout 60 node "$here/sdk.mjs"); result $? "JS SDK v3, signatures verified"; else skip signed-js "the rig js was not run"; fi
}
rig_bench() { # beside ferrokinesis, when it is installed
  [ -f "$SHARED/rigs/bench.py" ] || { skip bench "$SHARED/rigs/bench.py"; return; }
  other=; [ -x "$PEERS/fk/bin/ferrokinesis" ] && other=$("$SHARED/servers/start" ferrokinesis)
  for _ in 1 2; do for url in $other "$http"; do KINESIS_ENDPOINT=$url "$PY" "$SHARED/rigs/bench.py" 3 || failed=$((failed + 1)); done; done
  [ -z "$other" ] || "$SHARED/servers/start" stop ferrokinesis
}

[ $# -gt 0 ] || set -- boto3 cli go js signed
for rig in "$@"; do
  case $rig in
  kcl-polling) rig_kcl polling "$https" 0 ;;
  kcl-fanout) rig_kcl fanout "$https" 1 ;;
  go-probe) rig_go_probe ;;
  boto3 | cli | go | js | kpl | signed | bench) "rig_$rig" ;;
  *) echo "there is no rig $rig" >&2; exit 2 ;;
  esac
done
exit $failed
