package faker

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/brianvoe/gofakeit/v7"
)

func personFunctions() []Function {
	return []Function{
		text("name.firstName", "A first name.", (*gofake).FirstName),
		text("name.lastName", "A last name.", (*gofake).LastName),
		text("name.fullName", "A first and last name.", (*gofake).Name),
		text("name.name", "A first and last name.", (*gofake).Name),
		text("name.nameWithMiddle", "A first, middle and last name.", func(f *gofake) string { return f.FirstName() + " " + f.MiddleName() + " " + f.LastName() }),
		text("name.username", "A user name.", (*gofake).Username),
		text("name.prefix", "A title such as Mrs.", (*gofake).NamePrefix),
		text("name.suffix", "A suffix such as Jr.", (*gofake).NameSuffix),
		text("name.title", "A job title.", (*gofake).JobTitle),
		text("idNumber.valid", "A social security number.", (*gofake).SSN),
		text("phoneNumber.phoneNumber", "A telephone number.", (*gofake).PhoneFormatted),
		text("phoneNumber.cellPhone", "A telephone number of digits only.", (*gofake).Phone),
		text("demographic.sex", "A gender.", (*gofake).Gender),
		text("address.city", "A city.", (*gofake).City),
		text("address.country", "A country.", (*gofake).Country),
		text("address.countryCode", "A country's code of two letters.", (*gofake).CountryAbr),
		text("address.state", "A state.", (*gofake).State),
		text("address.stateAbbr", "A state's code.", (*gofake).StateAbr),
		text("address.zipCode", "A postal code.", (*gofake).Zip),
		text("address.streetName", "A street.", (*gofake).StreetName),
		text("address.streetAddress", "A street and number.", (*gofake).Street),
		text("address.buildingNumber", "A house number.", (*gofake).StreetNumber),
		text("address.fullAddress", "Street, city, state and postal code.", func(f *gofake) string { return f.Street() + ", " + f.City() + ", " + f.StateAbr() + " " + f.Zip() }),
		text("address.latitude", "A latitude in degrees.", func(f *gofake) string { return strconv.FormatFloat(f.Latitude(), 'f', 6, 64) }),
		text("address.longitude", "A longitude in degrees.", func(f *gofake) string { return strconv.FormatFloat(f.Longitude(), 'f', 6, 64) }),
		text("address.timeZone", "A time zone.", (*gofake).TimeZoneRegion),
		text("country.name", "A country.", (*gofake).Country),
		text("country.countryCode2", "A country's code of two letters.", (*gofake).CountryAbr),
		text("nation.language", "A language.", (*gofake).Language),
		text("internet.emailAddress", "An e-mail address.", (*gofake).Email),
		text("internet.domainName", "A domain.", (*gofake).DomainName),
		text("internet.url", "A web address.", (*gofake).URL),
		text("internet.ipV4Address", "An IPv4 address.", (*gofake).IPv4Address),
		text("internet.publicIpV4Address", "An IPv4 address.", (*gofake).IPv4Address),
		text("internet.ipV6Address", "An IPv6 address.", (*gofake).IPv6Address),
		text("internet.macAddress", "A MAC address.", (*gofake).MacAddress),
		text("internet.uuid", "A UUID.", (*gofake).UUID),
		text("internet.password", "A password of twelve characters.", func(f *gofake) string { return f.Password(true, true, true, false, false, 12) }),
		text("internet.userAgentAny", "A browser's user agent.", (*gofake).UserAgent),
		text("internet.userAgent", "A browser's user agent.", (*gofake).UserAgent),
		text("internet.httpMethod", "An HTTP method.", (*gofake).HTTPMethod),
		text("internet.slug", "Words with hyphens.", func(f *gofake) string { return f.UrlSlug(3) }),
	}
}

func thingFunctions() []Function {
	return []Function{
		text("company.name", "A company.", (*gofake).Company),
		text("company.suffix", "A company's suffix.", (*gofake).CompanySuffix),
		text("company.buzzword", "A buzzword.", (*gofake).BuzzWord),
		text("company.catchPhrase", "A slogan.", (*gofake).Slogan),
		text("company.bs", "Business talk.", (*gofake).BS),
		text("job.title", "A job title.", (*gofake).JobTitle),
		text("job.seniority", "A rank in a job.", (*gofake).JobLevel),
		text("commerce.productName", "A product.", (*gofake).ProductName),
		text("commerce.department", "A kind of product.", (*gofake).ProductCategory),
		text("commerce.material", "A material.", (*gofake).ProductMaterial),
		text("commerce.color", "A colour.", (*gofake).Color),
		text("commerce.price", "A price from 0.01 to 100.", func(f *gofake) string { return strconv.FormatFloat(f.Price(0.01, 100), 'f', 2, 64) }),
		text("color.name", "A colour.", (*gofake).Color),
		text("color.hex", "A colour as #rrggbb.", (*gofake).HexColor),
		text("currency.code", "A currency's code.", (*gofake).CurrencyShort),
		text("currency.name", "A currency.", (*gofake).CurrencyLong),
		text("business.creditCardNumber", "A credit card's number.", func(f *gofake) string { return f.CreditCardNumber(nil) }),
		text("business.creditCardType", "A kind of credit card.", (*gofake).CreditCardType),
		text("finance.creditCard", "A credit card's number.", func(f *gofake) string { return f.CreditCardNumber(nil) }),
		text("finance.bic", "A bank.", (*gofake).BankName),
		text("crypto.md5", "An MD5 sum.", func(f *gofake) string { return fmt.Sprintf("%x", md5.Sum(word(f))) }),
		text("crypto.sha1", "A SHA-1 sum.", func(f *gofake) string { return fmt.Sprintf("%x", sha1.Sum(word(f))) }),
		text("crypto.sha256", "A SHA-256 sum.", func(f *gofake) string { return fmt.Sprintf("%x", sha256.Sum256(word(f))) }),
		text("code.isbn10", "An ISBN.", func(f *gofake) string {
			return f.ProductISBN(&gofakeit.ISBNOptions{Version: "10", Separator: ""})
		}),
		text("code.ean13", "A bar code of thirteen digits.", func(f *gofake) string { return f.DigitN(13) }),
		text("lorem.word", "A word.", (*gofake).LoremIpsumWord),
		text("lorem.sentence", "A sentence.", func(f *gofake) string { return f.LoremIpsumSentence(8) }),
		text("lorem.paragraph", "A paragraph.", func(f *gofake) string { return f.LoremIpsumParagraph(1, 3, 8, " ") }),
		{Name: "lorem.characters", Args: "['count']", Doc: "Letters and digits, 255 by default.", maxArgs: 1, bind: characters},
	}
}

func leisureFunctions() []Function {
	return []Function{
		text("animal.name", "An animal.", (*gofake).Animal),
		text("dog.breed", "A breed of dogs.", (*gofake).Dog),
		text("cat.breed", "A breed of cats.", (*gofake).Cat),
		text("app.name", "A program.", (*gofake).AppName),
		text("app.version", "A version.", (*gofake).AppVersion),
		text("app.author", "A program's author.", (*gofake).AppAuthor),
		text("beer.name", "A beer.", (*gofake).BeerName),
		text("beer.style", "A style of beer.", (*gofake).BeerStyle),
		text("beer.hop", "A hop.", (*gofake).BeerHop),
		text("beer.malt", "A malt.", (*gofake).BeerMalt),
		text("beer.yeast", "A yeast.", (*gofake).BeerYeast),
		text("book.title", "A book.", (*gofake).BookTitle),
		text("book.author", "An author.", (*gofake).BookAuthor),
		text("book.genre", "A genre of books.", (*gofake).BookGenre),
		text("music.genre", "A genre of music.", (*gofake).SongGenre),
		text("rockBand.name", "A singer or band.", (*gofake).SongArtist),
		text("food.dish", "A dish.", (*gofake).Dinner),
		text("food.fruit", "A fruit.", (*gofake).Fruit),
		text("food.vegetable", "A vegetable.", (*gofake).Vegetable),
		text("food.ingredient", "A vegetable or fruit.", (*gofake).Vegetable),
		text("hacker.noun", "A technical noun.", (*gofake).HackerNoun),
		text("hacker.verb", "A technical verb.", (*gofake).HackerVerb),
		text("hacker.abbreviation", "A technical abbreviation.", (*gofake).HackerAbbreviation),
		text("programmingLanguage.name", "A programming language.", (*gofake).ProgrammingLanguage),
		text("file.extension", "A file's extension.", (*gofake).FileExtension),
		text("file.mimeType", "A file's type.", (*gofake).FileMimeType),
		text("university.name", "A school.", (*gofake).School),
		text("vehicle.make", "A maker of cars.", (*gofake).CarMaker),
		text("vehicle.model", "A model of car.", (*gofake).CarModel),
		text("vehicle.fuelType", "A fuel.", (*gofake).CarFuelType),
		text("aviation.airport", "An airport's code.", (*gofake).AirlineAirportIATA),
		text("aviation.aircraft", "An aircraft.", (*gofake).AirlineAirplane),
		text("aviation.flight", "A flight's number.", (*gofake).AirlineFlightNumber),
		text("movie.name", "A film.", (*gofake).MovieName),
		text("weather.description", "A kind of weather.", (*gofake).MinecraftWeather),
		{Name: "weather.temperatureCelsius", Doc: "A temperature from -30 to 40.", bind: intsFrom(-30, 40)},
		text("harryPotter.character", "Someone's name.", (*gofake).Name),
		text("superhero.name", "Someone's game tag.", (*gofake).Gamertag),
	}
}

func word(f *gofake) []byte { return binary.BigEndian.AppendUint64(nil, f.Uint64()) }

func characters(args []string) (call, error) {
	n := []int64{255}
	if len(args) > 0 {
		var err error
		if n, err = whole(args); err != nil {
			return nil, err
		}
	}
	if n[0] < 0 || n[0] > 1<<20 {
		return nil, fmt.Errorf("%d is not between 0 and %d", n[0], 1<<20)
	}
	const set = "abcdefghijklmnopqrstuvwxyz0123456789"
	return func(e *env, dst []byte) []byte {
		for range n[0] {
			dst = append(dst, set[e.rng.between(0, int64(len(set)-1))])
		}
		return dst
	}, nil
}

// plain is a name as it is looked up.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
