-- wrk: POST the pod whose file the environment variable POD names, as the user whose token TOKEN is.
local file = assert(io.open(os.getenv("POD"), "rb"))
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
wrk.body = file:read("*a")
file:close()
