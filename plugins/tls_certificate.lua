-- Certificate: how long a server's certificate is still valid, and whether it is
-- trusted for the server's name. Speaks TLS from the start, or after STARTTLS.
--
-- Messages: `Certificate expires in 12 days (fewer than 30)`, as WARNING below
-- warn_days and as failure below fail_days; `Certificate expired 3 days ago`;
-- `Certificate is not valid before 2026-05-01`; `Certificate is not trusted: …`.
-- When a certificate between the server's own and the root ends first, it is that
-- one that counts, and it is named: `Certificate CN=Intermediate expires in …`.
local forms, time, tls = require "forms", require "time", require "tls"

local Certificate = {
  name = "Certificate", slug = "tls_certificate", version = "1.1.0", author = "Moonwatch",
  summary = "Warns before a TLS certificate expires, and fails when it is not trusted.",
  font_icon = "fa fa-certificate",
  config_form = {
    forms.HostField{ "host", group = "Server", help_text = "Name or address to connect to" },
    forms.PortField{ "port", group = "Server", initial = 443, help_text = "Port to connect to" },
    forms.ChoiceField{ "starttls", group = "Server", required = false, label = "STARTTLS",
      choices = { { "", "TLS from the start" }, { "smtp", "SMTP" }, { "imap", "IMAP" }, { "pop3", "POP3" }, { "ftp", "FTP" }, { "postgresql", "PostgreSQL" } },
      help_text = "Protocol in which to ask for TLS" },
    forms.HostField{ "server_name", group = "Server", required = false,
      help_text = "Name that the certificate must be for, and that is asked for (SNI); the host when empty" },
    forms.IntegerField{ "warn_days", group = "Thresholds", initial = 30, min_value = 0, max_value = 3650, unit = "days", help_text = "Warn when it expires in fewer days" },
    forms.IntegerField{ "fail_days", group = "Thresholds", initial = 7, min_value = 0, max_value = 3650, unit = "days", help_text = "Fail when it expires in fewer days" },
    forms.BooleanField{ "verify", group = "Thresholds", initial = true, help_text = "Fail when the certificate is not trusted, or not for this name" },
  },
}

function Certificate:clean(values)
  if values.fail_days and values.warn_days and values.fail_days > values.warn_days then
    return nil, { fail_days = "Enter no more days than for the warning." }
  end
  return values
end

local function days(seconds)
  local n = math.floor(seconds / 86400)
  return n == 1 and "1 day" or n .. " days"
end

function Certificate:run(check, result)
  local options = {}
  if check.server_name ~= "" then options.server_name = check.server_name end
  if check.starttls ~= "" then options.starttls = check.starttls end
  local certificate, problem = tls.certificate(check.host, check.port, options)
  if not certificate then
    result.error = "No certificate: " .. problem
    return result
  end

  local now = time.now()
  local expiry, what = certificate.expiry, "Certificate"
  if not expiry.leaf then what = "Certificate " .. expiry.subject end
  local left = expiry.at - now
  result:metric("days_left", left / 86400, { unit = "days", warn = check.warn_days, fail = check.fail_days })
  result.raw_data = ("subject: %s\nissuer: %s\nnames: %s\nvalid: %s to %s"):format(certificate.subject, certificate.issuer,
    table.concat(certificate.dns_names, ", "), time.format(certificate.not_before), time.format(certificate.not_after))

  if left <= 0 then
    result.error = what .. " expired " .. days(-left) .. " ago"
  elseif certificate.not_before > now then
    result.error = "Certificate is not valid before " .. time.format(certificate.not_before, "%Y-%m-%d")
  elseif left < check.fail_days * 86400 then
    result.error = ("%s expires in %s (fewer than %d)"):format(what, days(left), check.fail_days)
  elseif check.verify and not certificate.verified then
    result.error = "Certificate is not trusted: " .. certificate.verify_error
  elseif left < check.warn_days * 86400 then
    result.severity = "WARNING"
    result.error = ("%s expires in %s (fewer than %d)"):format(what, days(left), check.warn_days)
  else
    result.succeeded, result.raw_data = true, ""
    result.message = "Valid until " .. time.format(expiry.at, "%Y-%m-%d")
  end
  return result
end

function Certificate:description(check)
  local text = ("Certificate of %s port %d"):format(check.host, check.port)
  if check.server_name ~= "" then text = text .. " for " .. check.server_name end
  return text
end

return Certificate
