-- Answers shipping updates with the order that they make, and counts what it charged.
--
-- An update is answered only with credentials, a correlation id of its own and a body that can be read; the answer says
-- of every line what was sent, as the marketplace does (reference, "Ship order lines", 200). A second update of a
-- purchase order is answered, too, and counted as charged twice.

local json = require "cjson.safe"

local counts, charged, calls = ngx.shared.counts, ngx.shared.charged, ngx.shared.calls
local TOKEN = "bench-token-0123456789abcdef0123456789abcdef"

local BUYER = '"customerEmailId":"0123456789ABCDEF0123456789ABCDEF@relay.walmart.com","orderDate":1764000000000,'
    .. '"shippingInfo":{"phone":"5145550123","estimatedDeliveryDate":1764600000000,'
    .. '"estimatedShipDate":1764300000000,"methodCode":"Standard","postalAddress":{"name":"Zoë Beauséjour",'
    .. '"address1":"1250 rue Sainte-Catherine Ouest","address2":null,"city":"Montréal","state":"QC",'
    .. '"postalCode":"H3G 1P1","country":"CAN","addressType":"RESIDENTIAL"}},"orderLines":{"orderLine":['
local LINE = '{"lineNumber":%s,"shipFromCountry":"CA","item":{"productName":"Tuque noire, M","sku":"TUQ-NOIR-M"},'
    .. '"charges":{"charge":[{"chargeType":"PRODUCT","chargeName":"ItemPrice","chargeAmount":{"currency":"CAD",'
    .. '"amount":24.99},"tax":null}]},"orderLineQuantity":{"unitOfMeasurement":"EACH","amount":"%d"},'
    .. '"statusDate":%d,"orderLineStatuses":%s,"refund":null}'
local OPEN = '{"orderLineStatus":[{"status":"Acknowledged","statusQuantity":{"unitOfMeasurement":"EACH","amount":"1"},'
    .. '"cancellationReason":null,"trackingInfo":null}]}'

local marketplace = {}

local function count(what)
    counts:incr(what, 1, 0)
end

local function refuse(status, code)
    count("refused")
    ngx.status = status
    ngx.print('{"errors":{"error":[{"code":"' .. code .. '","field":"bench","description":"bench","severity":"ERROR"}]}}')
end

-- Credentials and a correlation id that was not there before.
local function proved(legacy)
    local id = ngx.var["http_wm_qos.correlation_id"]
    if not id then
        return false
    end
    local new, problem = calls:safe_add(id, true)
    if not new then
        count(problem == "exists" and "repeated_ids" or "faults")
    end
    if legacy then
        return ngx.var["http_wm_sec.auth_signature"] and ngx.var["http_wm_sec.timestamp"]
    end
    return ngx.var["http_wm_sec.access_token"] == TOKEN
end

local function units_of(line)
    local units = 0
    for _, status in ipairs(line.orderLineStatuses.orderLineStatus) do
        units = units + tonumber(status.statusQuantity.amount)
    end
    return units
end

local function answer(purchase_order, lines)
    local body = '{"order":{"purchaseOrderId":"' .. purchase_order .. '","customerOrderId":"5000000124456",' .. BUYER
        .. table.concat(lines, ",") .. "]}}}"
    ngx.header.content_length = #body
    ngx.print(body)
end

function marketplace.ship()
    local started = ngx.req.start_time()
    ngx.req.read_body()
    if not proved(ngx.var[1] ~= "") then
        return refuse(401, "UNAUTHORIZED.GMP_GATEWAY_API")
    end
    local document = json.decode(ngx.req.get_body_data() or "")
    local shipment = document and document.orderShipment
    if not shipment then
        return refuse(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API")
    end
    local lines, units, now = {}, 0, ngx.now() * 1000
    for index, line in ipairs(shipment.orderLines.orderLine) do
        local here = units_of(line)
        units = units + here
        lines[index] = LINE:format(json.encode(line.lineNumber), here, now, json.encode(line.orderLineStatuses))
    end
    local purchase_order = ngx.var[2]
    local new, problem = charged:safe_add(purchase_order, true)
    if not new then
        count(problem == "exists" and "charged_twice" or "faults")
    end
    count("ship")
    counts:incr("units", units, 0)
    counts:add("first", started)
    counts:set("last", started)
    answer(purchase_order, lines)
end

function marketplace.read()
    if not proved(ngx.var[1] ~= "") then
        return refuse(401, "UNAUTHORIZED.GMP_GATEWAY_API")
    end
    count("read")
    answer(ngx.var[2], { LINE:format('"1"', 1, ngx.now() * 1000, OPEN) })
end

function marketplace.token()
    count("token")
    ngx.print('{"access_token":"' .. TOKEN .. '","token_type":"Bearer","expires_in":900}')
end

function marketplace.counters()
    local told = {}
    for _, name in ipairs(counts:get_keys(0)) do
        told[name] = counts:get(name)
    end
    ngx.print(json.encode(told))
end

return marketplace
