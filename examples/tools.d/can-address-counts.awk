# Counts the frames of each bus and address; see can-address-counts.toml.
#
# Reports to CTS are lines that begin with "::cts " and go on with a JSON object; every other line is log text.

BEGIN {
    FS = ","
    file = "address-counts.csv"
}

function refuse(message, hint) {
    printf "::cts {\"error\": {\"message\": \"%s\", \"hint\": \"%s\"}}\n", message, hint
    refused = 1
    exit 2
}

NR == 1 {
    sub(/\r$/, "")
    for (i = 1; i <= NF; i++) column[$i] = i
    if (!("timestamp" in column) || !("address" in column) || !("bus" in column))
        refuse("the first line does not name the columns timestamp, address and bus", "Give the CSV file that rlog-to-csv writes.")
    time_at = column["timestamp"]
    address_at = column["address"]
    bus_at = column["bus"]
    next
}

{
    sub(/\r$/, "")
    if (only_bus != "" && $bus_at + 0 != only_bus + 0) next
    time = $time_at + 0
    if (from != "" && time < from + 0) next
    if (to != "" && time > to + 0) next
    key = $bus_at "," $address_at
    if (!(key in frames) || time < first[key]) first[key] = time
    if (!(key in frames) || time > last[key]) last[key] = time
    frames[key]++
    counted++
    if (NR % 100000 == 0)
        printf "::cts {\"progress\": {\"current\": %d, \"unit\": \"frames\", \"message\": \"reading\"}}\n", NR
}

END {
    if (refused) exit 2
    if (NR == 0) refuse("the file is empty", "Give the CSV file that rlog-to-csv writes.")
    print "bus,address,frames,first_seconds,last_seconds,frames_per_second" > file
    close(file)
    sort = "sort -t, -k1,1n -k2,2 >> " file
    for (key in frames) {
        span = last[key] - first[key]
        rate = span > 0 ? (frames[key] - 1) / span : 0
        printf "%s,%d,%.6f,%.6f,%.3f\n", key, frames[key], first[key], last[key], rate | sort
        addresses++
    }
    close(sort)
    printf "INFO: %d frames of %d addresses\n", counted, addresses
    if (!addresses) print "WARNING: no frame was left by the filters"
    printf "::cts {\"progress\": 100}\n"
}
