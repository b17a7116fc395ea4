-- What wrk says: shipping updates, each of a purchase order of its own.

local number = 0
local headers = {
    ["Content-Type"] = "application/json",
    ["WM_SVC.NAME"] = "Walmart Marketplace",
    ["WM_MARKET"] = "ca",
    ["WM_GLOBAL_VERSION"] = "3.1",
    ["WM_SEC.ACCESS_TOKEN"] = "bench-token-0123456789abcdef0123456789abcdef",
}
local body = '{"orderShipment":{"orderLines":{"orderLine":[{"lineNumber":"1","shipFromCountry":"CA",'
    .. '"orderLineStatuses":{"orderLineStatus":[{"status":"Shipped","statusQuantity":{"unitOfMeasurement":"EACH",'
    .. '"amount":"1"},"trackingInfo":{"shipDateTime":1764000000000,"carrierName":{"carrier":"CPC"},'
    .. '"methodCode":"Standard","trackingNumber":"0073938871806062"}}]}}]}}}'

request = function()
    number = number + 1
    headers["WM_QOS.CORRELATION_ID"] = string.format("00000000-0000-4000-8000-%012d", number)
    return wrk.format("POST", string.format("/v3/orders/3%014d/shipping", number), headers, body)
end
