// The words of the sample shop: what it sells, and how nine languages say it. All of it written for this purpose; brands are invented.
//
// Owns: kinds of goods, their names, adjectives, colours, phrases, brands. Does not own: which code a kind has (rules.ts), how a row is put together (shop.ts).
//   W1. Every list has its languages in the order of `languages`.
//   W2. Words are shared between kinds on purpose ("tablet" is a computer and a detergent, "fan" turns and cheers, "iron" presses and
//       is cast), because catalogues are like that and a sample that is told apart by one word teaches nobody anything.

export const languages = ["en", "de", "fr", "it", "es", "nl", "da", "pl", "ja"] as const;
export type Language = (typeof languages)[number];

/** What the sample rules of waste look at first. */
export const streams = ["cold", "screen", "light", "large", "small", "it", "cell", "out"] as const;
export type Stream = (typeof streams)[number];
export const departments = [
  "big",
  "comfort",
  "kitchen",
  "home",
  "it",
  "av",
  "lighting",
  "tools",
  "play",
  "care",
  "extra",
  "other",
] as const;
export type Department = (typeof departments)[number];

/** A kind of goods: one true code per rule book. */
export interface Kind {
  readonly key: string;
  /** Of a typical piece. */
  readonly kg: number;
  readonly stream: Stream;
  readonly department: Department;
  /** Six digits with a point, in a tariff of our own making. */
  readonly heading: string;
  readonly battery: boolean;
  /** Per language, at least one; `{key}` stands for a name of that kind. */
  readonly names: Readonly<Record<Language, readonly string[]>>;
}

function perLanguage(text: string): Record<Language, readonly string[]> {
  const parts = text.split("|").map((list) => list.split(",").map((word) => word.trim()));
  const [en = [], de = [], fr = [], it = [], es = [], nl = [], da = [], pl = [], ja = []] = parts;
  return { en, de, fr, it, es, nl, da, pl, ja };
}

interface KindFacts extends Pick<Kind, "key" | "kg" | "stream" | "department" | "heading"> {
  readonly power: "mains" | "battery";
}

/** `names`: per language, in the order of `perLanguage`. */
const kind = ({ power, ...facts }: KindFacts, names: string): Kind => ({
  ...facts,
  battery: power === "battery",
  names: perLanguage(names),
});

/** From the most to the least frequent kind of the range. */
export const kinds: readonly Kind[] = [
  kind(
    { key: "phone", kg: 0.18, stream: "it", department: "it", heading: "7404.10", power: "battery" },
    "smartphone,mobile phone,mobile|Smartphone,Handy,Mobiltelefon|smartphone,téléphone portable|smartphone,cellulare,telefonino|smartphone,móvil,teléfono móvil|smartphone,mobiele telefoon,mobieltje|smartphone,mobiltelefon,mobil|smartfon,telefon komórkowy|スマートフォン,スマホ,携帯電話",
  ),
  kind(
    { key: "headphones", kg: 0.22, stream: "small", department: "av", heading: "7502.10", power: "battery" },
    "headphones,earbuds,headset|Kopfhörer,Ohrhörer,Headset|casque audio,écouteurs|cuffie,auricolari|auriculares,cascos|koptelefoon,oordopjes|hovedtelefoner,ørepropper,headset|słuchawki,słuchawki douszne|ヘッドホン,イヤホン",
  ),
  kind(
    { key: "phonecase", kg: 0.05, stream: "out", department: "extra", heading: "8001.10", power: "mains" },
    "case for {phone},{phone} cover,flip case|Hülle für {phone},Schutzhülle {phone},Flip Case|coque pour {phone},étui {phone}|custodia per {phone},cover {phone}|funda para {phone},carcasa {phone}|hoesje voor {phone},cover {phone}|cover til {phone},etui {phone}|etui na {phone},futerał {phone}|{phone}ケース,{phone} カバー",
  ),
  kind(
    { key: "laptop", kg: 1.9, stream: "screen", department: "it", heading: "7401.10", power: "battery" },
    "laptop,notebook|Laptop,Notebook|ordinateur portable,PC portable|notebook,computer portatile|portátil,ordenador portátil|laptop,notebook|bærbar computer,laptop|laptop,notebook|ノートパソコン,ノートPC",
  ),
  kind(
    { key: "tv", kg: 11, stream: "screen", department: "av", heading: "7501.10", power: "mains" },
    "television,TV,smart TV|Fernseher,TV-Gerät,Smart TV|téléviseur,télé,smart TV|televisore,TV,smart TV|televisor,televisión,smart TV|televisie,tv,smart TV|fjernsyn,tv,smart TV|telewizor,TV,smart TV|テレビ,液晶テレビ",
  ),
  kind(
    { key: "charger", kg: 0.15, stream: "small", department: "extra", heading: "8002.10", power: "mains" },
    "charger for {phone},{laptop} power adapter,{camera} charger|Ladegerät für {phone},Netzteil {laptop},Ladegerät {camera}|chargeur pour {phone},adaptateur {laptop},chargeur {camera}|caricabatterie per {phone},alimentatore {laptop},caricatore {camera}|cargador para {phone},adaptador {laptop},cargador {camera}|oplader voor {phone},adapter {laptop},lader {camera}|oplader til {phone},strømforsyning {laptop},lader {camera}|ładowarka do {phone},zasilacz {laptop},ładowarka {camera}|{phone}充電器,{laptop} ACアダプター",
  ),
  kind(
    { key: "coffee", kg: 4.5, stream: "small", department: "kitchen", heading: "7202.30", power: "mains" },
    "coffee maker,espresso machine,coffee machine|Kaffeemaschine,Kaffeevollautomat,Espressomaschine|cafetière,machine à café,machine à espresso|macchina da caffè,macchina espresso|cafetera,máquina de espresso|koffiezetapparaat,espressomachine|kaffemaskine,espressomaskine|ekspres do kawy,ekspres ciśnieniowy|コーヒーメーカー,エスプレッソマシン",
  ),
  kind(
    { key: "kettle", kg: 1.1, stream: "small", department: "kitchen", heading: "7202.10", power: "mains" },
    "kettle,electric kettle|Wasserkocher|bouilloire,bouilloire électrique|bollitore,bollitore elettrico|hervidor,hervidor de agua|waterkoker|elkedel,kedel|czajnik,czajnik elektryczny|電気ケトル,電気ポット",
  ),
  kind(
    { key: "vacuum", kg: 5.5, stream: "small", department: "home", heading: "7301.10", power: "mains" },
    "vacuum cleaner,hoover,stick vacuum|Staubsauger,Bodenstaubsauger|aspirateur,aspirateur balai|aspirapolvere,scopa elettrica|aspiradora,aspirador|stofzuiger,steelstofzuiger|støvsuger|odkurzacz|掃除機,クリーナー",
  ),
  kind(
    { key: "bulb", kg: 0.06, stream: "light", department: "lighting", heading: "7601.10", power: "mains" },
    "light bulb,LED bulb,LED lamp|Glühbirne,LED-Lampe,Leuchtmittel|ampoule,ampoule LED|lampadina,lampadina LED|bombilla,bombilla LED|gloeilamp,ledlamp|elpære,LED-pære|żarówka,żarówka LED|電球,LED電球",
  ),
  kind(
    { key: "cable", kg: 0.08, stream: "small", department: "extra", heading: "8002.20", power: "mains" },
    "USB cable,HDMI cable for {tv},extension lead|USB-Kabel,HDMI-Kabel für {tv},Verlängerungskabel|câble USB,câble HDMI pour {tv},rallonge|cavo USB,cavo HDMI per {tv},prolunga|cable USB,cable HDMI para {tv},alargador|USB-kabel,HDMI-kabel voor {tv},verlengsnoer|USB-kabel,HDMI-kabel til {tv},forlængerledning|kabel USB,kabel HDMI do {tv},przedłużacz|USBケーブル,HDMIケーブル {tv}用,延長コード",
  ),
  kind(
    { key: "speaker", kg: 1.6, stream: "small", department: "av", heading: "7502.20", power: "battery" },
    "speaker,bluetooth speaker,soundbar|Lautsprecher,Box,Soundbar|enceinte,haut-parleur,barre de son|altoparlante,cassa bluetooth,soundbar|altavoz,barra de sonido|luidspreker,speaker,soundbar|højttaler,soundbar|głośnik,kolumna,soundbar|スピーカー,サウンドバー",
  ),
  kind(
    { key: "battery", kg: 0.1, stream: "cell", department: "extra", heading: "8004.10", power: "battery" },
    "AA batteries,battery pack for {camera},button cells|Batterien AA,Akku für {camera},Knopfzellen|piles AA,batterie pour {camera}|pile AA,batteria per {camera}|pilas AA,batería para {camera}|AA-batterijen,accu voor {camera}|AA-batterier,batteri til {camera}|baterie AA,akumulator do {camera}|乾電池 単3,バッテリー {camera}用",
  ),
  kind(
    { key: "lamp", kg: 2, stream: "small", department: "lighting", heading: "7602.10", power: "mains" },
    "table lamp,floor lamp,desk lamp|Tischlampe,Stehlampe,Leuchte|lampe de table,lampadaire,lampe|lampada da tavolo,piantana|lámpara de mesa,lámpara de pie|tafellamp,vloerlamp,lamp|bordlampe,gulvlampe,lampe|lampa stołowa,lampa podłogowa|デスクライト,スタンドライト",
  ),
  kind(
    { key: "toaster", kg: 1.4, stream: "small", department: "kitchen", heading: "7202.20", power: "mains" },
    "toaster|Toaster|grille-pain,toaster|tostapane|tostadora|broodrooster,toaster|brødrister,toaster|toster,opiekacz|トースター",
  ),
  kind(
    { key: "shirt", kg: 0.2, stream: "out", department: "other", heading: "9003.20", power: "mains" },
    "fan shirt,football fan scarf,T-shirt|Fan-Shirt,Fanschal,T-Shirt|t-shirt fan,écharpe de fan|maglia fan,sciarpa fan|camiseta fan,bufanda fan|fanshirt,fansjaal,T-shirt|fan-trøje,fan-halstørklæde|koszulka fana,szalik|Tシャツ,応援マフラー",
  ),
  kind(
    { key: "mouse", kg: 0.1, stream: "it", department: "it", heading: "7403.20", power: "battery" },
    "mouse,wireless mouse|Maus,Funkmaus|souris,souris sans fil|mouse,mouse senza fili|ratón,ratón inalámbrico|muis,draadloze muis|mus,trådløs mus|mysz,myszka bezprzewodowa|マウス,ワイヤレスマウス",
  ),
  kind(
    { key: "keyboard", kg: 0.6, stream: "it", department: "it", heading: "7403.20", power: "mains" },
    "keyboard,gaming keyboard|Tastatur,Gaming-Tastatur|clavier,clavier gamer|tastiera,tastiera gaming|teclado,teclado gaming|toetsenbord|tastatur,gaming-tastatur|klawiatura,klawiatura gamingowa|キーボード",
  ),
  kind(
    { key: "hairdryer", kg: 0.6, stream: "small", department: "care", heading: "7901.10", power: "mains" },
    "hair dryer,hairdryer,blow dryer|Haartrockner,Fön|sèche-cheveux|asciugacapelli,phon|secador de pelo|haardroger,föhn|hårtørrer,føntørrer|suszarka do włosów|ヘアドライヤー,ドライヤー",
  ),
  kind(
    { key: "fridge", kg: 62, stream: "cold", department: "big", heading: "7101.10", power: "mains" },
    "fridge,refrigerator,fridge freezer|Kühlschrank,Kühl-Gefrierkombination|réfrigérateur,frigo,frigo combiné|frigorifero,frigo combinato|frigorífico,nevera,frigorífico combi|koelkast,koel-vriescombinatie|køleskab,køle-fryseskab|lodówka,chłodziarka|冷蔵庫,冷凍冷蔵庫",
  ),
  kind(
    { key: "washer", kg: 68, stream: "large", department: "big", heading: "7104.10", power: "mains" },
    "washing machine,washer dryer|Waschmaschine,Waschtrockner|lave-linge,machine à laver|lavatrice,lavasciuga|lavadora,lavadora secadora|wasmachine,was-droogcombinatie|vaskemaskine|pralka,pralko-suszarka|洗濯機,洗濯乾燥機",
  ),
  kind(
    { key: "tablet", kg: 0.5, stream: "screen", department: "it", heading: "7401.20", power: "battery" },
    "tablet,tablet computer|Tablet,Tablet-PC|tablette,tablette tactile|tablet|tableta,tablet|tablet|tablet,tavlecomputer|tablet|タブレット",
  ),
  kind(
    { key: "dishtabs", kg: 0.9, stream: "out", department: "other", heading: "9002.10", power: "mains" },
    "{dishwasher} tablets,tablets for {dishwasher}|Tabs für {dishwasher},Spülmaschinen-Tabs|tablettes {dishwasher}|tablet per {dishwasher},pastiglie {dishwasher}|pastillas para {dishwasher}|tabletten voor {dishwasher}|tabs til {dishwasher}|tabletki do {dishwasher}|{dishwasher}用タブレット洗剤",
  ),
  kind(
    { key: "shaver", kg: 0.3, stream: "small", department: "care", heading: "7901.20", power: "battery" },
    "shaver,electric razor,hair clipper|Rasierer,Elektrorasierer,Haarschneider|rasoir électrique,tondeuse à cheveux|rasoio elettrico,tagliacapelli|afeitadora,cortapelos|scheerapparaat,tondeuse|barbermaskine,hårklipper|golarka,maszynka do włosów|シェーバー,バリカン",
  ),
  kind(
    { key: "iron", kg: 1.3, stream: "small", department: "home", heading: "7302.10", power: "mains" },
    "iron,steam iron|Bügeleisen,Dampfbügeleisen|fer à repasser,centrale vapeur|ferro da stiro|plancha,plancha de vapor|strijkijzer,stoomstrijkijzer|strygejern,dampstrygejern|żelazko,żelazko parowe|アイロン,スチームアイロン",
  ),
  kind(
    { key: "pan", kg: 2.4, stream: "out", department: "other", heading: "9001.10", power: "mains" },
    "cast iron pan,frying pan,grill pan|Pfanne aus Gusseisen,Bratpfanne,Grillpfanne|poêle en fonte,poêle grill|padella in ghisa,padella grill|sartén de hierro,sartén plancha|gietijzeren pan,koekenpan,grillpan|støbejernspande,grillpande|patelnia żeliwna,patelnia grillowa|鉄フライパン,グリルパン",
  ),
  kind(
    { key: "blender", kg: 2.2, stream: "small", department: "kitchen", heading: "7203.10", power: "mains" },
    "blender,hand mixer,mixer|Standmixer,Handmixer,Mixer|blender,mixeur,batteur|frullatore,mixer,sbattitore|batidora,licuadora|blender,handmixer,staafmixer|blender,håndmixer,stavblender|blender,mikser|ブレンダー,ハンドミキサー",
  ),
  kind(
    { key: "fan", kg: 3, stream: "small", department: "comfort", heading: "7103.10", power: "mains" },
    "fan,desk fan,tower fan|Ventilator,Standventilator|ventilateur,ventilateur colonne|ventilatore,ventilatore a torre|ventilador,ventilador de torre|ventilator,torenventilator|ventilator,bordventilator|wentylator,wentylator kolumnowy|扇風機,サーキュレーター",
  ),
  kind(
    { key: "monitor", kg: 5, stream: "screen", department: "it", heading: "7402.10", power: "mains" },
    "monitor,computer screen|Monitor,Bildschirm|écran PC,moniteur|monitor,schermo PC|monitor,pantalla PC|monitor,beeldscherm|skærm,monitor|monitor,ekran|モニター,ディスプレイ",
  ),
  kind(
    { key: "ink", kg: 0.1, stream: "out", department: "extra", heading: "8003.20", power: "mains" },
    "ink for {printer},{printer} cartridge|Tinte für {printer},{printer} Patrone|encre pour {printer},cartouche {printer}|inchiostro per {printer},cartuccia {printer}|tinta para {printer},cartucho {printer}|inkt voor {printer},cartridge {printer}|blæk til {printer},patron {printer}|tusz do {printer},wkład {printer}|{printer}インク,インクカートリッジ {printer}",
  ),
  kind(
    { key: "printer", kg: 6.4, stream: "it", department: "it", heading: "7402.20", power: "mains" },
    "printer,inkjet printer,laser printer|Drucker,Tintenstrahldrucker|imprimante,imprimante laser|stampante,stampante laser|impresora,impresora láser|printer,laserprinter|printer,laserprinter|drukarka,drukarka laserowa|プリンター,レーザープリンター",
  ),
  kind(
    { key: "toothbrush", kg: 0.2, stream: "small", department: "care", heading: "7901.30", power: "battery" },
    "electric toothbrush|elektrische Zahnbürste,Schallzahnbürste|brosse à dents électrique|spazzolino elettrico|cepillo de dientes eléctrico|elektrische tandenborstel|elektrisk tandbørste,eltandbørste|szczoteczka elektryczna,szczoteczka soniczna|電動歯ブラシ",
  ),
  kind(
    { key: "vacbags", kg: 0.3, stream: "out", department: "extra", heading: "8003.10", power: "mains" },
    "bags for {vacuum},{vacuum} filter|Beutel für {vacuum},Filter {vacuum}|sacs pour {vacuum},filtre {vacuum}|sacchetti per {vacuum},filtro {vacuum}|bolsas para {vacuum},filtro {vacuum}|zakken voor {vacuum},filter {vacuum}|poser til {vacuum},filter {vacuum}|worki do {vacuum},filtr {vacuum}|{vacuum}紙パック,{vacuum} フィルター",
  ),
  kind(
    { key: "drill", kg: 1.8, stream: "small", department: "tools", heading: "7701.10", power: "battery" },
    "drill,cordless drill,drill driver|Bohrmaschine,Akkuschrauber|perceuse,perceuse visseuse|trapano,avvitatore|taladro,taladro atornillador|boormachine,accuboormachine|boremaskine,akkuboremaskine|wiertarka,wkrętarka|電動ドリル,ドリルドライバー",
  ),
  kind(
    { key: "microwave", kg: 13, stream: "small", department: "kitchen", heading: "7201.10", power: "mains" },
    "microwave,microwave oven|Mikrowelle|micro-ondes,four micro-ondes|microonde,forno a microonde|microondas|magnetron,combimagnetron|mikroovn,mikrobølgeovn|mikrofalówka,kuchenka mikrofalowa|電子レンジ",
  ),
  kind(
    { key: "console", kg: 3.2, stream: "small", department: "play", heading: "7504.10", power: "mains" },
    "games console,handheld console|Spielkonsole,Konsole|console de jeux,console portable|console di gioco,console|consola,videoconsola|spelcomputer,spelconsole|spillekonsol,konsol|konsola do gier,konsola|ゲーム機,携帯ゲーム機",
  ),
  kind(
    { key: "watch", kg: 0.06, stream: "it", department: "it", heading: "7405.10", power: "battery" },
    "smartwatch,fitness watch|Smartwatch,Fitnessuhr|montre connectée|smartwatch,orologio fitness|reloj inteligente,smartwatch|smartwatch,sporthorloge|smartwatch,fitnessur|smartwatch,zegarek sportowy|スマートウォッチ,腕時計",
  ),
  kind(
    { key: "drillbits", kg: 0.4, stream: "out", department: "extra", heading: "8003.30", power: "mains" },
    "bits for {drill},{drill} bit set|Bohrer für {drill},Bohrer-Set {drill}|forets pour {drill},coffret {drill}|punte per {drill},set punte {drill}|brocas para {drill},juego {drill}|boren voor {drill},borenset {drill}|bor til {drill},borsæt {drill}|wiertła do {drill},zestaw {drill}|{drill}用ビット,ビットセット",
  ),
  kind(
    { key: "toycar", kg: 0.8, stream: "small", department: "play", heading: "7801.10", power: "battery" },
    "remote control car,toy robot,electric train set|ferngesteuertes Auto,Spielzeugroboter|voiture télécommandée,robot jouet|macchina telecomandata,robot giocattolo|coche teledirigido,robot de juguete|bestuurbare auto,speelgoedrobot|fjernstyret bil,legetøjsrobot|samochód zdalnie sterowany,robot zabawka|ラジコンカー,おもちゃロボット",
  ),
  kind(
    { key: "router", kg: 0.4, stream: "it", department: "it", heading: "7403.10", power: "mains" },
    "router,wifi router,mesh repeater|Router,WLAN-Router,Repeater|routeur,répéteur wifi|router,ripetitore wifi|router,repetidor wifi|router,wifi-versterker|router,wifi-forstærker|router,wzmacniacz wifi|ルーター,中継機",
  ),
  kind(
    { key: "camera", kg: 0.5, stream: "small", department: "av", heading: "7503.10", power: "battery" },
    "camera,digital camera,camcorder|Kamera,Digitalkamera|appareil photo,caméscope|fotocamera,videocamera|cámara,cámara digital|camera,fototoestel|kamera,digitalkamera|aparat fotograficzny,kamera|カメラ,デジカメ",
  ),
  kind(
    { key: "heater", kg: 4, stream: "small", department: "comfort", heading: "7103.20", power: "mains" },
    "heater,fan heater,oil radiator|Heizlüfter,Heizgerät,Ölradiator|radiateur électrique,chauffage soufflant|termoventilatore,stufa elettrica|calefactor,radiador|kachel,ventilatorkachel|varmeblæser,elradiator|grzejnik,termowentylator|ヒーター,電気ストーブ",
  ),
  kind(
    { key: "radio", kg: 1, stream: "small", department: "av", heading: "7502.30", power: "mains" },
    "radio,DAB radio,clock radio|Radio,Radiowecker|radio,radio-réveil|radio,radiosveglia|radio,radio despertador|radio,wekkerradio|radio,clockradio|radio,radiobudzik|ラジオ,クロックラジオ",
  ),
  kind(
    { key: "tvmount", kg: 3, stream: "out", department: "extra", heading: "8003.40", power: "mains" },
    "wall mount for {tv},{tv} stand|Wandhalterung für {tv},Ständer {tv}|support mural pour {tv},meuble {tv}|supporto da parete per {tv},mobile {tv}|soporte de pared para {tv},mueble {tv}|muurbeugel voor {tv},meubel {tv}|vægbeslag til {tv},bord til {tv}|uchwyt ścienny do {tv},szafka {tv}|{tv}壁掛け金具,{tv}台",
  ),
  kind(
    { key: "robotvac", kg: 3.4, stream: "small", department: "home", heading: "7301.20", power: "battery" },
    "robot {vacuum},robot mop|Saugroboter,Roboter-{vacuum}|{vacuum} robot,robot laveur|robot {vacuum},robot lavapavimenti|robot {vacuum},friegasuelos robot|robot{vacuum},dweilrobot|robot{vacuum},gulvvaskerobot|robot sprzątający,{vacuum} robot|ロボット{vacuum},床拭きロボット",
  ),
  kind(
    { key: "chair", kg: 7, stream: "out", department: "other", heading: "9004.10", power: "mains" },
    "garden chair,gaming chair|Gartenstuhl,Gaming-Stuhl|chaise de jardin,fauteuil gamer|sedia da giardino,sedia gaming|silla de jardín,silla gaming|tuinstoel,gamestoel|havestol,gamerstol|krzesło ogrodowe,fotel gamingowy|ガーデンチェア,ゲーミングチェア",
  ),
  kind(
    { key: "grill", kg: 4, stream: "small", department: "kitchen", heading: "7203.40", power: "mains" },
    "electric grill,contact grill,waffle iron|Elektrogrill,Kontaktgrill,Waffeleisen|grill électrique,gaufrier|griglia elettrica,bistecchiera|grill eléctrico,parrilla eléctrica|elektrische grill,wafelijzer|elgrill,vaffeljern|grill elektryczny,gofrownica|電気グリル,ワッフルメーカー",
  ),
  kind(
    { key: "scale", kg: 1.5, stream: "small", department: "care", heading: "7902.10", power: "battery" },
    "bathroom scale,kitchen scale|Personenwaage,Küchenwaage|pèse-personne,balance de cuisine|bilancia pesapersone,bilancia da cucina|báscula,báscula de cocina|personenweegschaal,keukenweegschaal|badevægt,køkkenvægt|waga łazienkowa,waga kuchenna|体重計,キッチンスケール",
  ),
  kind(
    { key: "dishwasher", kg: 42, stream: "large", department: "big", heading: "7105.10", power: "mains" },
    "dishwasher,slimline dishwasher|Geschirrspüler,Spülmaschine|lave-vaisselle|lavastoviglie|lavavajillas|vaatwasser,afwasmachine|opvaskemaskine|zmywarka|食洗機,食器洗い機",
  ),
  kind(
    { key: "freezer", kg: 48, stream: "cold", department: "big", heading: "7101.20", power: "mains" },
    "freezer,chest freezer|Gefrierschrank,Gefriertruhe|congélateur,congélateur coffre|congelatore,freezer|congelador,arcón congelador|vriezer,vrieskist|fryser,kummefryser|zamrażarka,zamrażarka skrzyniowa|冷凍庫,フリーザー",
  ),
  kind(
    { key: "book", kg: 0.6, stream: "out", department: "other", heading: "9005.10", power: "mains" },
    "{camera} handbook,{coffee} recipe book|Handbuch {camera},Kochbuch Mikrowelle|guide {camera},livre recettes {coffee}|manuale {camera},ricettario {blender}|guía {camera},libro de recetas {blender}|handboek {camera},kookboek {blender}|håndbog {camera},kogebog {blender}|poradnik {camera},książka kucharska {blender}|{camera} 入門書,{coffee} レシピ本",
  ),
  kind(
    { key: "oven", kg: 46, stream: "large", department: "big", heading: "7105.20", power: "mains" },
    "oven,cooker,built-in oven|Backofen,Herd|four encastrable,cuisinière|forno,cucina elettrica|horno,cocina eléctrica|oven,fornuis|ovn,komfur|piekarnik,kuchenka|オーブン,ビルトインオーブン",
  ),
  kind(
    { key: "tumbledryer", kg: 45, stream: "large", department: "big", heading: "7104.20", power: "mains" },
    "tumble dryer,heat pump dryer|Wäschetrockner,Wärmepumpentrockner|sèche-linge|asciugatrice|secadora,secadora de ropa|wasdroger,droogtrommel|tørretumbler|suszarka bębnowa|衣類乾燥機",
  ),
  kind(
    { key: "saw", kg: 3.5, stream: "small", department: "tools", heading: "7701.20", power: "mains" },
    "circular saw,jigsaw,sander|Kreissäge,Stichsäge,Schleifer|scie circulaire,scie sauteuse,ponceuse|sega circolare,seghetto,levigatrice|sierra circular,lijadora|cirkelzaag,decoupeerzaag,schuurmachine|rundsav,stiksav,slibemaskine|pilarka tarczowa,wyrzynarka,szlifierka|丸ノコ,ジグソー",
  ),
  kind(
    { key: "tube", kg: 0.2, stream: "light", department: "lighting", heading: "7601.20", power: "mains" },
    "fluorescent tube,LED tube|Leuchtstoffröhre,LED-Röhre|tube fluorescent,tube LED|tubo fluorescente,tubo LED|tubo fluorescente,tubo LED|tl-buis,led-buis|lysstofrør,LED-rør|świetlówka,świetlówka LED|蛍光灯,直管LED",
  ),
  kind(
    { key: "scooter", kg: 13, stream: "large", department: "play", heading: "7802.10", power: "battery" },
    "e-scooter,electric scooter|E-Scooter,Elektroroller|trottinette électrique|monopattino elettrico|patinete eléctrico|elektrische step,e-step|elløbehjul,el-scooter|hulajnoga elektryczna|電動キックボード",
  ),
  kind(
    { key: "mower", kg: 14, stream: "large", department: "tools", heading: "7702.10", power: "mains" },
    "lawn mower,robot mower|Rasenmäher,Mähroboter|tondeuse à gazon,robot tondeuse|tosaerba,robot tagliaerba|cortacésped,robot cortacésped|grasmaaier,robotmaaier|plæneklipper,robotplæneklipper|kosiarka,robot koszący|芝刈り機,ロボット芝刈り機",
  ),
  kind(
    { key: "aircon", kg: 24, stream: "cold", department: "comfort", heading: "7102.10", power: "mains" },
    "air conditioner,portable air conditioner|Klimaanlage,Klimagerät|climatiseur,climatiseur mobile|condizionatore,climatizzatore|aire acondicionado|airco,mobiele airco|aircondition,klimaanlæg|klimatyzator|エアコン,冷房",
  ),
  kind(
    { key: "torch", kg: 0.2, stream: "small", department: "lighting", heading: "7602.20", power: "battery" },
    "torch,flashlight,head torch|Taschenlampe,Stirnlampe|lampe torche,lampe frontale|torcia,lampada frontale|linterna,linterna frontal|zaklamp,hoofdlamp|lommelygte,pandelampe|latarka,czołówka|懐中電灯,ヘッドライト",
  ),
  kind(
    { key: "dehumidifier", kg: 12, stream: "cold", department: "comfort", heading: "7102.20", power: "mains" },
    "dehumidifier|Luftentfeuchter|déshumidificateur|deumidificatore|deshumidificador|luchtontvochtiger|affugter,luftaffugter|osuszacz powietrza|除湿機",
  ),
  kind(
    { key: "ebike", kg: 24, stream: "large", department: "play", heading: "7802.20", power: "battery" },
    "e-bike,electric bike|E-Bike,Pedelec|vélo électrique|bici elettrica|bicicleta eléctrica|e-bike,elektrische fiets|elcykel|rower elektryczny|電動自転車",
  ),
  kind(
    { key: "sewing", kg: 6.2, stream: "small", department: "home", heading: "7302.20", power: "mains" },
    "sewing machine|Nähmaschine|machine à coudre|macchina da cucire|máquina de coser|naaimachine|symaskine|maszyna do szycia|ミシン",
  ),
];

export const adjectives = perLanguage(
  "compact,handy,premium,classic,smart,quiet,black edition,pro|kompakt,leise,Premium,klassisch,smart,Profi,Edition|compact,silencieux,premium,classique,connecté,pro|compatto,silenzioso,premium,classico,smart,pro|compacto,silencioso,premium,clásico,inteligente,pro|compact,stil,premium,klassiek,slim,pro|kompakt,lydsvag,premium,klassisk,smart,pro|kompaktowy,cichy,premium,klasyczny,inteligentny,pro|コンパクト,静音,プレミアム,クラシック,スマート,プロ",
);

export const colours = perLanguage(
  "black,white,silver,red,blue,grey|schwarz,weiß,silber,rot,blau,grau|noir,blanc,argent,rouge,bleu,gris|nero,bianco,argento,rosso,blu,grigio|negro,blanco,plata,rojo,azul,gris|zwart,wit,zilver,rood,blauw,grijs|sort,hvid,sølv,rød,blå,grå|czarny,biały,srebrny,czerwony,niebieski,szary|黒,白,シルバー,赤,青,グレー",
);

/** Said of anything: they help no classifier. */
export const phrases = perLanguage(
  "two year guarantee,new and in its box,sold while stocks last,spare parts available,delivered in three days|zwei Jahre Garantie,neu und originalverpackt,solange der Vorrat reicht,Ersatzteile lieferbar,Lieferung in drei Tagen|garantie deux ans,neuf dans sa boîte,dans la limite des stocks,pièces disponibles,livré en trois jours|garanzia due anni,nuovo in scatola,fino a esaurimento scorte,ricambi disponibili,consegna in tre giorni|garantía de dos años,nuevo en caja,hasta fin de existencias,recambios disponibles,entrega en tres días|twee jaar garantie,nieuw in doos,zolang de voorraad strekt,onderdelen leverbaar,in drie dagen geleverd|to års garanti,ny i æske,så længe lager haves,reservedele kan fås,leveres på tre dage|gwarancja dwa lata,nowy w pudełku,do wyczerpania zapasów,części dostępne,dostawa w trzy dni|二年保証,新品箱入り,在庫限り,部品あり,三日で配達",
);

/** What customers say when they bring a thing back; they tell whether it is electrical, little more. */
export const complaints = perLanguage(
  "returned: does not switch on,returned: box damaged,returned: makes a noise,customer changed their mind|Rückläufer: geht nicht an,Rückläufer: Karton beschädigt,Rückläufer: macht Geräusche,Kunde hat es sich anders überlegt|retour : ne s'allume pas,retour : carton abîmé,retour : fait du bruit,le client a changé d'avis|reso: non si accende,reso: scatola rovinata,reso: fa rumore,il cliente ha cambiato idea|devuelto: no enciende,devuelto: caja dañada,devuelto: hace ruido,el cliente cambió de idea|retour: gaat niet aan,retour: doos beschadigd,retour: maakt lawaai,klant bedacht zich|retur: tænder ikke,retur: æske beskadiget,retur: larmer,kunden fortrød|zwrot: nie włącza się,zwrot: uszkodzone pudełko,zwrot: hałasuje,klient zmienił zdanie|返品：電源が入らない,返品：箱つぶれ,返品：音がする,お客様都合",
);

/** One thing a seller says of each department; all that tells an item without a title. */
export const hints: Readonly<Record<Department, Readonly<Record<Language, readonly string[]>>>> = {
  big: perLanguage(
    "for the built-in kitchen,energy class B,old appliance taken back|für die Einbauküche,Energieklasse B,Altgerät wird mitgenommen|pour cuisine équipée,classe énergétique B,reprise de l'ancien appareil|per cucina componibile,classe energetica B,ritiro dell'usato|para cocina integrada,clase energética B,retirada del usado|voor inbouwkeuken,energieklasse B,oud toestel gaat mee|til indbygning,energiklasse B,gammelt apparat tages med|do zabudowy,klasa energetyczna B,odbiór starego sprzętu|ビルトイン対応,省エネ,旧製品引取",
  ),
  comfort: perLanguage(
    "for rooms up to 30 square metres,with timer|für Räume bis 30 Quadratmeter,mit Timer|pour pièces jusqu'à 30 mètres carrés,avec minuterie|per stanze fino a 30 metri quadri,con timer|para salas de hasta 30 metros,con temporizador|voor kamers tot 30 vierkante meter,met timer|til rum op til 30 kvadratmeter,med timer|do pokoi do 30 metrów,z timerem|30平米まで,タイマー付き",
  ),
  kitchen: perLanguage(
    "food parts easy to wash,with non-stick plates,1.5 litre jug|Teile leicht zu spülen,antihaftbeschichtet,1.5 Liter Kanne|pièces faciles à laver,revêtement antiadhésif,verseuse 1.5 litre|parti lavabili,antiaderente,caraffa 1.5 litri|piezas fáciles de lavar,antiadherente,jarra 1.5 litros|makkelijk af te wassen,met antiaanbaklaag,kan 1.5 liter|nem at vaske op,slip-let belægning,1.5 liter kande|łatwe do mycia,powłoka nieprzywierająca,dzbanek 1.5 litra|お手入れ簡単,こびりつかない,1.5リットル",
  ),
  home: perLanguage(
    "for carpets and hard floors,with water tank|für Teppich und Hartboden,mit Wassertank|pour tapis et sols durs,avec réservoir|per tappeti e pavimenti,con serbatoio|para alfombras y suelos,con depósito|voor tapijt en harde vloer,met watertank|til tæpper og gulve,med vandtank|do dywanów i podłóg,ze zbiornikiem|カーペット対応,水タンク付き",
  ),
  it: perLanguage(
    "fast wifi and bluetooth,with operating system,8 GB memory|schnelles WLAN und Bluetooth,mit Betriebssystem,8 GB Speicher|wifi rapide et bluetooth,avec système,8 Go de mémoire|wifi veloce e bluetooth,con sistema operativo,8 GB di memoria|wifi rápido y bluetooth,con sistema operativo,8 GB de memoria|snelle wifi en bluetooth,met besturingssysteem,8 GB geheugen|hurtig wifi og bluetooth,med styresystem,8 GB hukommelse|szybkie wifi i bluetooth,z systemem,8 GB pamięci|高速WiFi,OS付き,メモリ8GB",
  ),
  av: perLanguage(
    "clear sound and picture,bluetooth 5 and HDMI|klarer Ton und Bild,Bluetooth 5 und HDMI|son et image nets,bluetooth 5 et HDMI|suono e immagine nitidi,bluetooth 5 e HDMI|sonido e imagen nítidos,bluetooth 5 y HDMI|helder geluid en beeld,bluetooth 5 en HDMI|klar lyd og billede,bluetooth 5 og HDMI|czysty dźwięk i obraz,bluetooth 5 i HDMI|高音質高画質,Bluetooth 5対応",
  ),
  lighting: perLanguage(
    "warm white 2700 K,dimmable|warmweiß 2700 K,dimmbar|blanc chaud 2700 K,variable|bianco caldo 2700 K,dimmerabile|blanco cálido 2700 K,regulable|warm wit 2700 K,dimbaar|varm hvid 2700 K,dæmpbar|ciepła biel 2700 K,ściemnialny|電球色 2700 K,調光",
  ),
  tools: perLanguage(
    "for house and garden,with carrying box|für Haus und Garten,mit Koffer|pour maison et jardin,avec coffret|per casa e giardino,con valigetta|para casa y jardín,con maletín|voor huis en tuin,met koffer|til hus og have,med kuffert|do domu i ogrodu,z walizką|家と庭に,ケース付き",
  ),
  play: perLanguage(
    "for children from 8 years,fun for the family,up to 25 km/h|für Kinder ab 8 Jahren,Spaß für die Familie,bis 25 km/h|dès 8 ans,plaisir en famille,jusqu'à 25 km/h|da 8 anni,divertimento per la famiglia,fino a 25 km/h|desde 8 años,diversión en familia,hasta 25 km/h|vanaf 8 jaar,plezier voor het gezin,tot 25 km/h|fra 8 år,sjov for familien,op til 25 km/t|od 8 lat,zabawa dla rodziny,do 25 km/h|8歳から,家族で楽しむ,時速25キロ",
  ),
  care: perLanguage(
    "gentle to skin and hair,for the bathroom|sanft zu Haut und Haar,fürs Bad|doux pour la peau,pour la salle de bain|delicato sulla pelle,per il bagno|suave con la piel,para el baño|zacht voor huid en haar,voor de badkamer|skånsom mod huden,til badet|delikatny dla skóry,do łazienki|肌にやさしい,浴室用",
  ),
  extra: perLanguage(
    "fits many models,accessory, pack of 4|passt für viele Modelle,Zubehör,4er-Pack|compatible avec de nombreux modèles,accessoire,lot de 4|adatto a molti modelli,accessorio,confezione da 4|válido para muchos modelos,accesorio,pack de 4|past op veel modellen,accessoire,set van 4|passer til mange modeller,tilbehør,4 stk|pasuje do wielu modeli,akcesoria,4 sztuki|多機種対応,アクセサリー,4個入り",
  ),
  other: perLanguage(
    "wash by hand,nice as a present|von Hand waschen,schön als Geschenk|laver à la main,idéal comme cadeau|lavare a mano,bella idea regalo|lavar a mano,ideal para regalo|met de hand wassen,leuk als cadeau|vaskes i hånden,god som gave|myć ręcznie,dobry na prezent|手洗い,贈り物に",
  ),
};

/** Invented, each at home in a few departments; the first letters of its model numbers come with it. */
export const brands: readonly { readonly name: string; readonly departments: readonly Department[]; readonly models: string }[] = [
  { name: "Norvelo", departments: ["big", "comfort"], models: "NV" },
  { name: "Brennix", departments: ["kitchen", "home"], models: "BX" },
  { name: "Lumivar", departments: ["lighting"], models: "L" },
  { name: "Quandor", departments: ["it"], models: "Q" },
  { name: "Tessaro", departments: ["kitchen", "other"], models: "TS" },
  { name: "Hjelmik", departments: ["comfort", "home", "big"], models: "H" },
  { name: "Oruvia", departments: ["care"], models: "OR" },
  { name: "Pellano", departments: ["kitchen", "care"], models: "P" },
  { name: "Zintara", departments: ["av", "it"], models: "Z" },
  { name: "Makuro", departments: ["av", "it", "play"], models: "MK" },
  { name: "Fendrel", departments: ["tools", "extra"], models: "F" },
  { name: "Vostika", departments: ["tools", "home"], models: "VK" },
  { name: "Alvento", departments: ["comfort", "care"], models: "AV" },
  { name: "Corwex", departments: ["extra", "it"], models: "CX" },
  { name: "Iskarn", departments: ["big"], models: "IS" },
  { name: "Jovanto", departments: ["play", "other"], models: "J" },
  { name: "Kelvaro", departments: ["big", "kitchen"], models: "KV" },
  { name: "Mirellux", departments: ["lighting", "extra"], models: "ML" },
  { name: "Nadoro", departments: ["av"], models: "ND" },
  { name: "Pyxelon", departments: ["it", "av"], models: "PX" },
  { name: "Rovaq", departments: ["home", "tools"], models: "RQ" },
  { name: "Sundrell", departments: ["other", "extra"], models: "SD" },
  { name: "Tarkenna", departments: ["play"], models: "TK" },
  { name: "Ulvenor", departments: ["extra", "lighting", "care"], models: "U" },
];
