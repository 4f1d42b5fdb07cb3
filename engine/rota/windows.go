package rota

// windowsZone returns the IANA zone of a Windows time zone name (lower case),
// "" for any other name. The rows are the default territory (001) of CLDR's
// windowsZones table, and the names that Windows has since withdrawn.
func windowsZone(name string) string {
	switch name {
	case "aus central standard time":
		return "Australia/Darwin"
	case "aus eastern standard time":
		return "Australia/Sydney"
	case "afghanistan standard time":
		return "Asia/Kabul"
	case "alaskan standard time":
		return "America/Anchorage"
	case "aleutian standard time":
		return "America/Adak"
	case "altai standard time":
		return "Asia/Barnaul"
	case "arab standard time":
		return "Asia/Riyadh"
	case "arabian standard time":
		return "Asia/Dubai"
	case "arabic standard time":
		return "Asia/Baghdad"
	case "argentina standard time":
		return "America/Buenos_Aires"
	case "armenian standard time":
		return "Asia/Yerevan"
	case "astrakhan standard time":
		return "Europe/Astrakhan"
	case "atlantic standard time":
		return "America/Halifax"
	case "aus central w. standard time":
		return "Australia/Eucla"
	case "azerbaijan standard time":
		return "Asia/Baku"
	case "azores standard time":
		return "Atlantic/Azores"
	case "bahia standard time":
		return "America/Bahia"
	case "bangladesh standard time":
		return "Asia/Dhaka"
	case "belarus standard time":
		return "Europe/Minsk"
	case "bougainville standard time":
		return "Pacific/Bougainville"
	case "cabo verde standard time":
		return "Atlantic/Cape_Verde"
	case "canada central standard time":
		return "America/Regina"
	case "cape verde standard time":
		return "Atlantic/Cape_Verde"
	case "caucasus standard time":
		return "Asia/Yerevan"
	case "cen. australia standard time":
		return "Australia/Adelaide"
	case "central america standard time":
		return "America/Guatemala"
	case "central asia standard time":
		return "Asia/Bishkek"
	case "central brazilian standard time":
		return "America/Cuiaba"
	case "central europe standard time":
		return "Europe/Budapest"
	case "central european standard time":
		return "Europe/Warsaw"
	case "central pacific standard time":
		return "Pacific/Guadalcanal"
	case "central standard time (mexico)":
		return "America/Mexico_City"
	case "central standard time":
		return "America/Chicago"
	case "chatham islands standard time":
		return "Pacific/Chatham"
	case "china standard time":
		return "Asia/Shanghai"
	case "cuba standard time":
		return "America/Havana"
	case "dateline standard time":
		return "Etc/GMT+12"
	case "e. africa standard time":
		return "Africa/Nairobi"
	case "e. australia standard time":
		return "Australia/Brisbane"
	case "e. europe standard time":
		return "Europe/Chisinau"
	case "e. south america standard time":
		return "America/Sao_Paulo"
	case "easter island standard time":
		return "Pacific/Easter"
	case "eastern standard time (mexico)":
		return "America/Cancun"
	case "eastern standard time":
		return "America/New_York"
	case "egypt standard time":
		return "Africa/Cairo"
	case "ekaterinburg standard time":
		return "Asia/Yekaterinburg"
	case "fle standard time":
		return "Europe/Kiev"
	case "fiji standard time":
		return "Pacific/Fiji"
	case "gmt standard time":
		return "Europe/London"
	case "gtb standard time":
		return "Europe/Bucharest"
	case "georgian standard time":
		return "Asia/Tbilisi"
	case "greenland standard time":
		return "America/Godthab"
	case "greenwich standard time":
		return "Atlantic/Reykjavik"
	case "haiti standard time":
		return "America/Port-au-Prince"
	case "hawaiian standard time":
		return "Pacific/Honolulu"
	case "india standard time":
		return "Asia/Calcutta"
	case "iran standard time":
		return "Asia/Tehran"
	case "israel standard time":
		return "Asia/Jerusalem"
	case "jordan standard time":
		return "Asia/Amman"
	case "kaliningrad standard time":
		return "Europe/Kaliningrad"
	case "kamchatka standard time":
		return "Asia/Kamchatka"
	case "korea standard time":
		return "Asia/Seoul"
	case "libya standard time":
		return "Africa/Tripoli"
	case "line islands standard time":
		return "Pacific/Kiritimati"
	case "lord howe standard time":
		return "Australia/Lord_Howe"
	case "magadan standard time":
		return "Asia/Magadan"
	case "magallanes standard time":
		return "America/Punta_Arenas"
	case "marquesas standard time":
		return "Pacific/Marquesas"
	case "mauritius standard time":
		return "Indian/Mauritius"
	case "mexico standard time 2":
		return "America/Chihuahua"
	case "mexico standard time":
		return "America/Mexico_City"
	case "mid-atlantic standard time":
		return "Etc/GMT+2"
	case "middle east standard time":
		return "Asia/Beirut"
	case "montevideo standard time":
		return "America/Montevideo"
	case "morocco standard time":
		return "Africa/Casablanca"
	case "mountain standard time (mexico)":
		return "America/Mazatlan"
	case "mountain standard time":
		return "America/Denver"
	case "myanmar standard time":
		return "Asia/Rangoon"
	case "n. central asia standard time":
		return "Asia/Novosibirsk"
	case "namibia standard time":
		return "Africa/Windhoek"
	case "nepal standard time":
		return "Asia/Katmandu"
	case "new zealand standard time":
		return "Pacific/Auckland"
	case "newfoundland standard time":
		return "America/St_Johns"
	case "norfolk standard time":
		return "Pacific/Norfolk"
	case "north asia east standard time":
		return "Asia/Irkutsk"
	case "north asia standard time":
		return "Asia/Krasnoyarsk"
	case "north korea standard time":
		return "Asia/Pyongyang"
	case "omsk standard time":
		return "Asia/Omsk"
	case "pacific sa standard time":
		return "America/Santiago"
	case "pacific standard time (mexico)":
		return "America/Tijuana"
	case "pacific standard time":
		return "America/Los_Angeles"
	case "pakistan standard time":
		return "Asia/Karachi"
	case "paraguay standard time":
		return "America/Asuncion"
	case "qyzylorda standard time":
		return "Asia/Qyzylorda"
	case "romance standard time":
		return "Europe/Paris"
	case "russia time zone 10":
		return "Asia/Srednekolymsk"
	case "russia time zone 11":
		return "Asia/Kamchatka"
	case "russia time zone 3":
		return "Europe/Samara"
	case "russian standard time":
		return "Europe/Moscow"
	case "sa eastern standard time":
		return "America/Cayenne"
	case "sa pacific standard time":
		return "America/Bogota"
	case "sa western standard time":
		return "America/La_Paz"
	case "se asia standard time":
		return "Asia/Bangkok"
	case "saint pierre standard time":
		return "America/Miquelon"
	case "sakhalin standard time":
		return "Asia/Sakhalin"
	case "samoa standard time":
		return "Pacific/Apia"
	case "sao tome standard time":
		return "Africa/Sao_Tome"
	case "saratov standard time":
		return "Europe/Saratov"
	case "singapore standard time":
		return "Asia/Singapore"
	case "south africa standard time":
		return "Africa/Johannesburg"
	case "south sudan standard time":
		return "Africa/Juba"
	case "sri lanka standard time":
		return "Asia/Colombo"
	case "sudan standard time":
		return "Africa/Khartoum"
	case "syria standard time":
		return "Asia/Damascus"
	case "taipei standard time":
		return "Asia/Taipei"
	case "tasmania standard time":
		return "Australia/Hobart"
	case "tocantins standard time":
		return "America/Araguaina"
	case "tokyo standard time":
		return "Asia/Tokyo"
	case "tomsk standard time":
		return "Asia/Tomsk"
	case "tonga standard time":
		return "Pacific/Tongatapu"
	case "transbaikal standard time":
		return "Asia/Chita"
	case "turkey standard time":
		return "Europe/Istanbul"
	case "turks and caicos standard time":
		return "America/Grand_Turk"
	case "us eastern standard time":
		return "America/Indianapolis"
	case "us mountain standard time":
		return "America/Phoenix"
	case "utc+12":
		return "Etc/GMT-12"
	case "utc+13":
		return "Etc/GMT-13"
	case "utc-02":
		return "Etc/GMT+2"
	case "utc-08":
		return "Etc/GMT+8"
	case "utc-09":
		return "Etc/GMT+9"
	case "utc-11":
		return "Etc/GMT+11"
	case "utc":
		return "Etc/UTC"
	case "ulaanbaatar standard time":
		return "Asia/Ulaanbaatar"
	case "venezuela standard time":
		return "America/Caracas"
	case "vladivostok standard time":
		return "Asia/Vladivostok"
	case "volgograd standard time":
		return "Europe/Volgograd"
	case "w. australia standard time":
		return "Australia/Perth"
	case "w. central africa standard time":
		return "Africa/Lagos"
	case "w. europe standard time":
		return "Europe/Berlin"
	case "w. mongolia standard time":
		return "Asia/Hovd"
	case "west asia standard time":
		return "Asia/Tashkent"
	case "west bank standard time":
		return "Asia/Hebron"
	case "west pacific standard time":
		return "Pacific/Port_Moresby"
	case "yakutsk standard time":
		return "Asia/Yakutsk"
	case "yukon standard time":
		return "America/Whitehorse"
	}
	return ""
}
