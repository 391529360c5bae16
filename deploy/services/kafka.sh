# shellcheck shell=bash
# shellcheck disable=SC2154 # up sets here; layout.sh cache and data
# Apache Kafka from its published jars, one process that is broker and
# controller.

kafka_version=4.3.1
kafka_jars=$cache/kafka-$kafka_version

need_kafka() {
  local remedy='install a JRE 17 or newer (Debian: apt-get install openjdk-17-jre-headless)' java
  command -v java >/dev/null || fail "Java is missing, which runs Kafka: $remedy"
  java=$(java -XshowSettings:properties -version 2>&1 | awk '$1 == "java.specification.version" { print int($3) }') || java=0
  ((java >= 17)) || fail "Java is too old for Kafka: $remedy"
  [[ -d $kafka_jars ]] || command -v mvn >/dev/null ||
    fail "Maven is missing, which fetches Kafka: install it (Debian: apt-get install maven)"
}

install_kafka() {
  if [[ -d $kafka_jars ]]; then return; fi
  say "fetching Kafka $kafka_version"
  rm -rf "$kafka_jars.new"
  mvn -q -B -C -f "$here/kafka.pom.xml" -Dkafka="$kafka_version" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$kafka_jars.new" >"$cache/kafka.log" 2>&1 ||
    fail "cannot fetch Kafka; see $cache/kafka.log"
  mv "$kafka_jars.new" "$kafka_jars"
}

start_kafka() {
  vacant kafka
  vacant controller
  local logging=(-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true
    -Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd\ HH:mm:ss.SSS)
  local properties=$data/kafka/server.properties accounts=() templates=("$here/kafka.properties") mechanism
  if [[ -n $secure ]]; then
    templates+=("$here/kafka.secure.properties")
    cat "$data/keys/server.key" "$data/keys/server.pem" >"$data/kafka/keystore.pem"
    for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
      accounts+=(--add-scram "$mechanism=[name=$COHORT_KAFKA_USER,password=$COHORT_KAFKA_PASSWORD]")
    done
  fi
  sed -e "s|@PORT@|$(port kafka)|" -e "s|@ADVERTISED@|${SERVICES_KAFKA_ADVERTISED:-$(address kafka)}|" -e "s|@CONTROLLER@|$(port controller)|" \
    -e "s|@FOLDER@|$data/kafka|" -e "s|@KEYS@|$data/keys|" \
    -e "s|@PROTOCOL@|$(if [[ -n $secure ]]; then echo SASL_SSL; else echo PLAINTEXT; fi)|" \
    -e "s|@USER@|${COHORT_KAFKA_USER:-}|g" -e "s|@PASSWORD@|${COHORT_KAFKA_PASSWORD:-}|g" \
    "${templates[@]}" >"$properties"
  if [[ ! -e $data/kafka/formatted ]]; then
    # A format that was broken off leaves a folder that cannot be formatted.
    rm -rf "$data/kafka/data"
    # The cluster's id is 16 bytes in base64: random ones, which begin with a letter.
    java "${logging[@]}" -cp "$kafka_jars/*" kafka.tools.StorageTool format --standalone \
      -t "C$(random 10)A" -c "$properties" ${accounts[@]+"${accounts[@]}"} >>"$data/kafka/log" 2>&1 ||
      fail "cannot format Kafka's folder; see $data/kafka/log"
    touch "$data/kafka/formatted"
  fi
  launch kafka java -Xms512m -Xmx512m "${logging[@]}" -cp "$kafka_jars/*" kafka.Kafka "$properties"
}

ask_kafka() { "$cache/ready" kafka "$(address kafka)"; }
